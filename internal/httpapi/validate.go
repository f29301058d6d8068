package httpapi

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
)

// validate checks path, query and body against the spec and reports all problems at once. A path id that can't be one is
// 404 like any unknown id; what can't be read is 400; what breaks a rule is 422.
func (s *Server) validate(next echo.HandlerFunc) echo.HandlerFunc {
	options := &openapi3filter.Options{
		MultiError: true, ExcludeRequestBody: true, SkipSettingDefaults: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		if r.operation == nil {
			return next(c)
		}
		params := map[string]string{}
		for _, name := range c.ParamNames() {
			params[name] = c.Param(name)
		}
		query, err := s.checkQuery(c.Request(), r)
		if err != nil {
			return err
		}
		input := &openapi3filter.RequestValidationInput{
			Request: c.Request(), PathParams: params, QueryParams: query, Options: options,
			Route: &routers.Route{Spec: s.spec, Path: r.path, PathItem: r.pathItem, Method: c.Request().Method, Operation: r.operation},
		}
		if err := openapi3filter.ValidateRequest(c.Request().Context(), input); err != nil {
			return parameterRefusal(err)
		}
		if err := checkBody(r); err != nil {
			return err
		}
		return next(c)
	}
}

// checkQuery refuses what the validator lets pass: unknown parameters, a parameter twice, invalid UTF-8 and NUL.
func (s *Server) checkQuery(req *http.Request, r *request) (url.Values, error) {
	if req.URL.RawQuery == "" {
		return url.Values{}, nil
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || len(query) > 32 {
		return nil, foyer.Refuse(foyer.Malformed, "query.invalid")
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		parameter := r.operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name)
		switch {
		case parameter == nil:
			return nil, badQuery(shown(name), "input.unknown")
		case len(values) > 1:
			return nil, &foyer.Error{Kind: foyer.Malformed, Code: "query.duplicate", Fields: []foyer.FieldError{{Pointer: name, Code: "input.invalid"}}}
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			return nil, badQuery(name, "input.text_characters")
		case holdsCardNumber(name, values[0]):
			return nil, badQuery(name, "input.card_number")
		case parameter.Schema.Value.Format == "date-time" && impossibleDate(values[0]):
			return nil, badQuery(name, "input.date")
		case parameter.Schema.Value.Format == "date" && noDay(values[0]):
			return nil, badQuery(name, "input.day")
		}
	}
	return query, nil
}

// impossibleDate tells whether a text has the form of a date and time but is none, like the 30th of February: the
// validator looks at the form only.
func impossibleDate(text string) bool {
	_, err := time.Parse(time.RFC3339Nano, text)
	var e *time.ParseError
	return errors.As(err, &e) && strings.HasSuffix(e.Message, "out of range")
}

// noDay tells whether a text is no day of the calendar, whatever it looks like.
func noDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err != nil
}

func badQuery(name, code string) error {
	return &foyer.Error{Kind: foyer.Malformed, Code: "query.invalid", Fields: []foyer.FieldError{{Pointer: name, Code: code}}}
}

// parameterRefusal turns the validator's errors into ours. Their texts repeat the values sent; only reasons are used.
func parameterRefusal(err error) error {
	refused := &foyer.Error{Kind: foyer.Malformed, Code: "query.invalid"}
	for _, one := range flatten(err) {
		var e *openapi3filter.RequestError
		if !errors.As(one, &e) || e.Parameter == nil {
			return refused
		}
		if e.Parameter.In == openapi3.ParameterInPath {
			return foyer.ErrNotFound()
		}
		field := foyer.FieldError{Pointer: e.Parameter.Name, Code: "input.format"}
		if broken := flattenSchema(e.Err); len(broken) > 0 {
			field.Code, field.Params = schemaProblem(broken[0])
		}
		if e.Parameter.In == openapi3.ParameterInHeader {
			refused.Code = "header.invalid"
			if e.Parameter.Name == "Idempotency-Key" {
				// The only header that is required: where money can move. What is wrong with one that was sent, idempotent tells.
				refused.Code = "idempotency.key_required"
				continue
			}
		}
		refused.Fields = append(refused.Fields, field)
	}
	return refused
}

// flatten opens lists of errors, and nothing that wraps one: what a wrapper says (which parameter) would be lost.
func flatten(err error) []error {
	many, ok := err.(openapi3.MultiError) //nolint:errorlint // see above
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range many {
		out = append(out, flatten(e)...)
	}
	return out
}

// maxFaults bounds an answer: a body of 64 KiB has room for thousands of mistakes.
const maxFaults = 50

// checkBody checks the body against its schema and names every fault at once. An unknown or differently-cased key makes
// it unreadable (400): a client that sends it means something we would silently ignore.
func checkBody(r *request) error {
	if len(r.body) == 0 || signedBody(r.operation) {
		return nil
	}
	if r.operation.RequestBody == nil {
		unasked := r.body
		r.body = nil // an empty object is the same call as no body
		return checkUnasked(unasked)
	}
	var value any
	if err := json.Unmarshal(r.body, &value); err != nil {
		return foyer.Refuse(foyer.Malformed, "json.invalid")
	}
	schema := r.operation.RequestBody.Value.Content.Get(echo.MIMEApplicationJSON).Schema.Value
	err := schema.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.MultiErrors())
	fields := append(nulTexts(value, nil), cardNumbers(value, nil)...)
	if err == nil {
		return foyer.InvalidFields(fields[:min(len(fields), maxFaults)]...)
	}
	unknown := unknownKeys(schema, value, nil)
	for _, path := range unknown {
		fields = append(fields, foyer.FieldError{Pointer: pointer(path), Code: "input.unknown"})
	}
	for _, one := range flattenSchema(err) {
		if one.SchemaField == "properties" {
			continue // an unknown key; the validator names the object only
		}
		code, params := schemaProblem(one)
		fields = append(fields, foyer.FieldError{Pointer: pointer(one.JSONPointer()), Code: code, Params: params})
	}
	fields = fields[:min(len(fields), maxFaults)]
	if len(unknown) > 0 {
		return unknownField(unknown[0], fields)
	}
	if len(fields) == 0 {
		return foyer.Refuse(foyer.Invalid, "input.invalid") // something is wrong, whatever it is called
	}
	return foyer.InvalidFields(fields...)
}

// unknownField is the refusal of a body with keys nobody knows, the first of which is named.
func unknownField(first []string, fields []foyer.FieldError) error {
	return &foyer.Error{
		Kind: foyer.Malformed, Code: "json.unknown_field", Fields: fields, Params: map[string]any{"Field": shown(first[len(first)-1])},
	}
}

// nulTexts finds texts with a NUL, whatever they are for: PostgreSQL takes none, not even to look something up.
func nulTexts(value any, path []string) []foyer.FieldError {
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return []foyer.FieldError{{Pointer: pointer(path), Code: "input.text_characters"}}
		}
	case []any:
		var out []foyer.FieldError
		for i, item := range v {
			out = append(out, nulTexts(item, append(slices.Clone(path), strconv.Itoa(i)))...)
		}
		return out
	case map[string]any:
		var out []foyer.FieldError
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, nulTexts(v[key], append(slices.Clone(path), key))...)
		}
		return out
	}
	return nil
}

// unknownKeys returns the paths of the keys the schema has no property for, in order.
func unknownKeys(schema *openapi3.Schema, value any, path []string) [][]string {
	var out [][]string
	if list, ok := value.([]any); ok {
		of := itemsOf(schema)
		for i := 0; of != nil && i < len(list); i++ {
			out = append(out, unknownKeys(of, list[i], append(slices.Clone(path), strconv.Itoa(i)))...)
		}
		return out
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		below := append(slices.Clone(path), key)
		if property := propertyOf(schema, key); property == nil && isMap(schema) {
			continue // a map: its keys are the client's
		} else if property == nil {
			out = append(out, below)
		} else {
			out = append(out, unknownKeys(property, object[key], below)...)
		}
	}
	return out
}

// itemsOf is what the entries of a list are like, nil when that is not said.
func itemsOf(schema *openapi3.Schema) *openapi3.Schema {
	if schema.Items == nil {
		return nil
	}
	return schema.Items.Value
}

// isMap tells whether an object has keys of the client's own choice, in the parts of an allOf too.
func isMap(schema *openapi3.Schema) bool {
	return schema.AdditionalProperties.Schema != nil || slices.ContainsFunc(schema.AllOf, func(part *openapi3.SchemaRef) bool { return isMap(part.Value) })
}

// propertyOf looks a property up, in the parts of an allOf too.
func propertyOf(schema *openapi3.Schema, key string) *openapi3.Schema {
	if property := schema.Properties[key]; property != nil {
		return property.Value
	}
	for _, part := range schema.AllOf {
		if property := propertyOf(part.Value, key); property != nil {
			return property
		}
	}
	return nil
}

func flattenSchema(err error) []*openapi3.SchemaError {
	var out []*openapi3.SchemaError
	for _, one := range flatten(err) {
		var e *openapi3.SchemaError
		if !errors.As(one, &e) {
			continue
		}
		// allOf, oneOf and anyOf say nothing themselves; what is wrong lies inside.
		if e.Origin != nil {
			inside := e.Origin
			var parts openapi3.MultiError
			if errors.As(inside, &parts) {
				inside = parts
			}
			if inner := flattenSchema(inside); len(inner) > 0 {
				out = append(out, inner...)
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

// pointer writes a JSON pointer (RFC 6901). Keys are the client's and are cut to what may stand in an answer.
func pointer(path []string) string {
	var b strings.Builder
	for _, part := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(shown(part)))
	}
	return b.String()
}

// schemaProblem names a problem by the rule of the schema it breaks.
func schemaProblem(e *openapi3.SchemaError) (string, map[string]any) {
	switch e.SchemaField {
	case "required":
		return "input.required", nil
	case "nullable":
		return "input.null", nil
	case "type":
		return "input.type", nil
	case "enum":
		return "input.enum", nil
	case "format":
		if e.Schema.Format == "date-time" {
			return "input.date", nil
		}
		return "input.format", nil
	case "pattern":
		return "input.pattern", nil
	case "minLength":
		return "input.too_short", map[string]any{"Min": int(e.Schema.MinLength)}
	case "maxProperties":
		return "input.too_many", map[string]any{"Max": int(*e.Schema.MaxProps)}
	case "minItems", "minProperties": // none of ours asks for more than one
		return "input.too_short", map[string]any{"Min": 1}
	case "maxLength":
		return "input.too_long", map[string]any{"Max": int(*e.Schema.MaxLength)}
	case "maxItems":
		return "input.too_many", map[string]any{"Max": int(*e.Schema.MaxItems)}
	case "minimum":
		return "input.minimum", map[string]any{"Min": int(*e.Schema.Min)}
	case "maximum":
		return "input.maximum", map[string]any{"Max": int(*e.Schema.Max)}
	}
	return "input.invalid", nil
}
