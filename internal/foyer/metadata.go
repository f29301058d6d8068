package foyer

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Metadata are a merchant's own notes on a thing: texts by name. Foyer keeps and returns them and reads nothing into them.
// None is nil.
type Metadata map[string]string

// The bounds of metadata (contract.md §4): far below a body's 64 KiB together, so that a page of things stays small.
const (
	maxMetadata      = 50
	maxMetadataKey   = 40
	maxMetadataValue = 500
)

// Faults names what is wrong with metadata that stands at the pointer, in the order of their names.
func (m Metadata) Faults(pointer string) (faults []FieldError) {
	if len(m) > maxMetadata {
		faults = append(faults, FieldError{Pointer: pointer, Code: "input.too_many", Params: map[string]any{"Max": maxMetadata}})
	}
	fault := func(pointer, code string, limit int) {
		one := FieldError{Pointer: pointer, Code: code}
		if limit > 0 {
			one.Params = map[string]any{"Max": limit}
		}
		faults = append(faults, one)
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		switch {
		case key == "":
			fault(pointer, "input.metadata_key", 0)
			continue
		case !CleanText(key, false): // such a name is not repeated, not even to say where it stands
			fault(pointer, "input.text_characters", 0)
			continue
		case utf8.RuneCountInString(key) > maxMetadataKey:
			fault(pointer, "input.metadata_key", 0)
			continue
		}
		at := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		switch {
		case !CleanText(m[key], true):
			fault(at, "input.text_characters", 0)
		case utf8.RuneCountInString(m[key]) > maxMetadataValue:
			fault(at, "input.too_long", maxMetadataValue)
		}
	}
	return faults
}

// Kept returns metadata as they are kept: nil for none.
func (m Metadata) Kept() Metadata {
	if len(m) == 0 {
		return nil
	}
	return maps.Clone(m)
}
