// Package api is generated from openapi.yaml: the types and the strict Echo server interface; the contract itself is embedded.
//
// By hand are only this file, generate.go and codegen.yaml. It holds no behaviour; httpapi implements it.
package api
