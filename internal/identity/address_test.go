package identity

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLimitAddressCountsAnInboxOnce(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"mia@mailbox.test", "MIA@mailbox.test", "mia@MAILBOX.test", "mia+shop@mailbox.test", "Mia+a+b@Mailbox.Test", "ｍia@mailbox.test"},
		{"m.i.a@gmail.com", "mia@gmail.com", "mia@googlemail.com", "M.I.A+x@GoogleMail.com"},
	} {
		for _, email := range same {
			assert.Equal(t, limitAddress(same[0]), limitAddress(email), email)
		}
	}
	// Dots count where the provider says so; what only looks alike is another inbox.
	for _, other := range [][2]string{
		{"m.ia@mailbox.test", "mia@mailbox.test"},
		{"mia@mailbox.test", "mia@mailbox.example"},
		{"mіa@mailbox.test", "mia@mailbox.test"}, // Cyrillic і
		{"mia-shop@mailbox.test", "mia@mailbox.test"},
		{"mia@sub.mailbox.test", "mia@mailbox.test"},
	} {
		assert.NotEqual(t, limitAddress(other[0]), limitAddress(other[1]), "%v", other)
	}
}

func TestLimitIP(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.7":             "192.0.2.7",
		"::ffff:192.0.2.7":      "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":  "2001:db8:1:2::/64",
		"2001:db8:1:2::1":       "2001:db8:1:2::/64",
		"2001:db8:1:3::1":       "2001:db8:1:3::/64",
		"fe80::1%eth0":          "fe80::/64",
		"not an address at all": "not an address at all",
	} {
		assert.Equal(t, want, limitIP(ip), ip)
	}
}

func TestCutIP(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.77":           "192.0.2.0/24",
		"::ffff:192.0.2.77":    "192.0.2.0/24",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1::/48",
		"fe80::1%eth0":         "fe80::/48",
		"":                     "",
		"<script>":             "",
	} {
		assert.Equal(t, want, CutIP(ip), ip)
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0":                                                        "Firefox on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36":                   "Chrome on macOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36 Edg/129.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36 EdgA/129.0.0.0":          "Edge on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/129.0.6668.46 Mobile/15E148 Safari/604.1":   "Chrome on iPad",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36":                          "Chrome on ChromeOS",
		"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36":                            "Chrome on Android",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36 OPR/115.0.0.0":                     "Opera on Linux",
		"okhttp/4.12.0":                         "Android app",
		"Portal/3 CFNetwork/1498 Darwin/23.6.0": "iOS app",
		"curl/8.9.1":                            "curl",
		"Something (Windows NT 10.0)":           "Windows",
		"":                                      "",
		"\x00\"><img src=x onerror=alert(1)>\r\n": "",
	} {
		assert.Equal(t, want, Device(agent), agent)
	}
}
