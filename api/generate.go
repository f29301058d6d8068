package api

import (
	_ "embed"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:generate go tool oapi-codegen -config codegen.yaml ../openapi.yaml
//go:generate cp ../openapi.yaml openapi.gen.yaml

// YAML is openapi.yaml as it stands in the repository, comments and order kept. A Go package can't embed a file above it,
// hence the copy.
//
//go:embed openapi.gen.yaml
var YAML []byte

// Spec reads the contract as it stands in the repository, with every operation under the name clients know it by.
func Spec() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(YAML) }
