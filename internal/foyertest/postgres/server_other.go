//go:build !linux && !darwin

package postgres

import (
	"fmt"
	"net/url"
)

// startLocal is for Linux and macOS only: users, signals and folders are other things elsewhere.
func startLocal() (base *url.URL, stop func() error, err error) {
	return nil, nil, fmt.Errorf("%w: none is started on this operating system", errMissing)
}
