package merchant

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReturnURLs(t *testing.T) {
	t.Parallel()
	s := Settings{Name: "Acme", ReturnURLs: []string{
		"https://app.acme.test", "https://acme.test:8443/billing?from=portal", "http://localhost:3000", "http://[::1]:3000/", "https://xn--bcher-kva.test",
		"test.acme.app://billing/back",
	}}
	assert.NoError(t, s.Validate())
	for _, good := range []string{
		"https://app.acme.test", "https://app.acme.test/", "https://app.acme.test/a/b?c=d&e=%C3%A9#f", "https://app.acme.test?x=1", "https://app.acme.test#x",
		"https://acme.test:8443/elsewhere", "http://localhost:3000/x", "http://[::1]:3000/y", "https://xn--bcher-kva.test/z", "test.acme.app://billing/back",
		"https://app.acme.test//evil.test", // the host is still the merchant's
	} {
		assert.True(t, s.AllowsReturnURL(good), good)
	}
	for _, bad := range []string{
		"", "https://acme.test", "https://acme.test:443", "http://app.acme.test", "http://localhost", "http://localhost:3001", "http://[::2]:3000/",
		"test.acme.app://billing/back2", "test.acme.app://billing", "TEST.acme.app://billing/back", "https://bücher.test",
		"https://app.acme.test/" + strings.Repeat("a", maxURLLength),
	} {
		assert.False(t, s.AllowsReturnURL(bad), bad)
	}
	assert.False(t, Settings{}.AllowsReturnURL("https://app.acme.test"), "nothing is allowed until it is listed")
	for _, entry := range []string{"https://*.acme.test", "//acme.test", "javascript:alert(1)", "acme://back", "http://acme.test", "https://acme.test@evil.test", "*", "https://ACME.test", "data:text/html,x"} {
		assert.Error(t, Settings{Name: "Acme", ReturnURLs: []string{entry}}.Validate(), entry)
	}
}
