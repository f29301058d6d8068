package paddle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// BrokenFile says why a file can't be imported: it is not JSON of Paddle's shapes, or one of its values can't be read.
type BrokenFile struct {
	// File is the name Parse was given.
	File string
	// Line counts from 1.
	Line int
	// Field is the path to the value, for example data[1].details.totals.total; empty when the file is not JSON.
	Field string
	// Reason continues the sentence that Field begins. It never holds a person's data.
	Reason string
}

// Error returns file, line, field and reason in one line.
func (e *BrokenFile) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s: line %d: the file %s", e.File, e.Line, e.Reason)
	}
	return fmt.Sprintf("%s: line %d: %s %s", e.File, e.Line, e.Field, e.Reason)
}

// document is a JSON text as a tree that remembers where everything stood. encoding/json alone would forget it, take
// the last of two equal keys, and mend broken characters silently.
type document struct {
	name string
	data []byte
	// err is the first thing found wrong. Reading goes on with zero values until the caller looks at it, so that a
	// mapping is a plain list of fields.
	err *BrokenFile
}

// nodeKind is the JSON type of a node.
type nodeKind int

const (
	missingNode nodeKind = iota // the key is not there
	nullNode
	boolNode
	numberNode
	textNode
	listNode
	objectNode
)

var kindNames = map[nodeKind]string{
	missingNode: "nothing", nullNode: "null", boolNode: "true or false", numberNode: "a number", textNode: "a string",
	listNode: "a list", objectNode: "an object",
}

// node is one value of the document.
type node struct {
	doc    *document
	parent *node
	// key is the name in an object; index the place in a list.
	key    string
	index  int
	kind   nodeKind
	offset int
	// text is the decoded string, or the literal of a number or boolean.
	text   string
	list   []*node
	fields map[string]*node
}

// utf8BOM is what Windows programs put before a text; it belongs to no JSON value.
var utf8BOM = []byte("\xef\xbb\xbf")

// readDocument returns the root of the tree. The caller looks at root.doc.err at the end.
func readDocument(name string, data []byte) *node {
	doc := &document{name: name, data: bytes.TrimPrefix(data, utf8BOM)}
	root := &node{doc: doc}
	if at := invalidUTF8(doc.data); at >= 0 {
		doc.failAt(at, "", "is not UTF-8 text")
		return root
	}
	// The whole text is checked first: this reports trailing garbage and nesting too deep to walk, with its offset.
	var whole json.RawMessage
	if err := json.Unmarshal(doc.data, &whole); err != nil {
		at := len(bytes.TrimRight(doc.data, " \t\r\n"))
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && int(syntax.Offset) <= at {
			at = max(0, int(syntax.Offset)-1)
		}
		doc.failAt(at, "", "is not JSON: "+err.Error())
		return root
	}
	tokens := &tokenReader{doc: doc, decoder: json.NewDecoder(bytes.NewReader(doc.data))}
	tokens.decoder.UseNumber()
	tokens.read(root)
	return root
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return -1
}

// failAt keeps the first fault of the document.
func (d *document) failAt(offset int, field, reason string) {
	if d.err == nil {
		line := 1 + bytes.Count(d.data[:min(offset, len(d.data))], []byte("\n"))
		d.err = &BrokenFile{File: d.name, Line: line, Field: field, Reason: reason}
	}
}

// fail says that the node can't be read.
func (n *node) fail(format string, args ...any) {
	if n.doc.err != nil {
		return
	}
	path := n.path()
	if path == "" {
		path = "the whole file"
	}
	n.doc.failAt(n.offset, path, fmt.Sprintf(format, args...))
}

// path returns where the node stands, for example data[1].details.totals.total.
func (n *node) path() string {
	var parts []string
	for ; n.parent != nil; n = n.parent {
		switch {
		case n.parent.kind == listNode:
			parts = append(parts, "["+strconv.Itoa(n.index)+"]")
		case n.parent.parent == nil:
			parts = append(parts, printable(n.key))
		default:
			parts = append(parts, "."+printable(n.key))
		}
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
	}
	return b.String()
}

// printable quotes a key that would spoil a message on a terminal.
func printable(key string) string {
	if key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" {
		return key
	}
	return strconv.QuoteToASCII(key)
}

// at returns the value under the key. When there is none, the node returned is missing and stands where the object does.
func (n *node) at(key string) *node {
	if child, ok := n.fields[key]; ok {
		return child
	}
	return &node{doc: n.doc, parent: n, key: key, offset: n.offset}
}

// absent tells whether the value is null or not there at all.
func (n *node) absent() bool { return n.kind == nullNode || n.kind == missingNode }

// tokenReader builds the tree from a text that is known to be valid JSON.
type tokenReader struct {
	doc     *document
	decoder *json.Decoder
}

// next returns the next token and the offset it begins at.
func (t *tokenReader) next() (json.Token, int) {
	start := int(t.decoder.InputOffset())
	for start < len(t.doc.data) && strings.IndexByte(" \t\r\n,:", t.doc.data[start]) >= 0 {
		start++
	}
	token, _ := t.decoder.Token() // the text is valid, so there is always a token where one is asked for
	return token, start
}

// read fills the node with the next value.
func (t *tokenReader) read(n *node) {
	token, start := t.next()
	n.offset = start
	switch v := token.(type) {
	case nil:
		n.kind = nullNode
	case bool:
		n.kind, n.text = boolNode, strconv.FormatBool(v)
	case json.Number:
		n.kind, n.text = numberNode, v.String()
	case string:
		n.kind, n.text = textNode, v
		t.checkText(n, v, start)
	case json.Delim:
		if v == '[' {
			t.readList(n)
		} else {
			t.readObject(n)
		}
	}
}

func (t *tokenReader) readList(n *node) {
	n.kind = listNode
	for t.decoder.More() {
		child := &node{doc: t.doc, parent: n, index: len(n.list)}
		t.read(child)
		n.list = append(n.list, child)
	}
	t.next()
}

func (t *tokenReader) readObject(n *node) {
	n.kind = objectNode
	n.fields = map[string]*node{}
	for t.decoder.More() {
		token, start := t.next()
		key, _ := token.(string)
		child := &node{doc: t.doc, parent: n, key: key, offset: start}
		t.checkText(child, key, start)
		if _, twice := n.fields[key]; twice {
			child.fail("stands twice in one object")
		}
		t.read(child)
		n.fields[key] = child
	}
	t.next()
}

// checkText refuses what no database column and no person can read: NUL, and half of a surrogate pair, which
// encoding/json silently replaces.
func (t *tokenReader) checkText(n *node, text string, start int) {
	if strings.IndexByte(text, 0) >= 0 {
		n.fail("contains a NUL character")
		return
	}
	replaced := strings.Count(text, string(utf8.RuneError))
	if replaced == 0 {
		return
	}
	raw := t.doc.data[start:t.decoder.InputOffset()]
	meant := bytes.Count(raw, []byte(string(utf8.RuneError))) + bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`))
	if replaced > meant {
		n.fail("contains half a surrogate pair")
	}
}
