package webhook

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// attacks are addresses of threat #45: nobody may listen there.
var attacks = []string{
	"http://hooks.example.com/in",                     // not encrypted
	"ftp://hooks.example.com/in",                      // other schemes
	"file:///etc/passwd",                              //
	"gopher://hooks.example.com/_x",                   //
	"javascript:alert(1)",                             //
	"//hooks.example.com/in",                          //
	"hooks.example.com/in",                            //
	"https:hooks.example.com",                         // an empty host to some
	"https:/\\hooks.example.com/",                     //
	"https:///in",                                     //
	"https://",                                        //
	"https://user@hooks.example.com/",                 // credentials
	"https://user:pass@hooks.example.com/",            //
	"https://hooks.example.com@127.0.0.1/",            //
	"https://127.0.0.1:443@hooks.example.com/",        //
	"https://hooks.example.com/#fragment",             //
	"https://hooks.example.com/a b",                   //
	"https://hooks.example.com/\r\nX: 1",              //
	"https://hooks.example.com\\@127.0.0.1/",          //
	"https://hooks.example.com:22/",                   // ports of other services
	"https://hooks.example.com:25/",                   //
	"https://hooks.example.com:5432/",                 //
	"https://hooks.example.com:9090/",                 //
	"https://hooks.example.com:80/",                   //
	"https://hooks.example.com:0443/",                 //
	"https://hooks.example.com:/",                     //
	"https://hooks.example.com:443443/",               //
	"https://127.0.0.1/",                              // loopback, in every spelling
	"https://127.255.255.254:8443/",                   //
	"https://127.1/",                                  //
	"https://127.0.1/",                                //
	"https://2130706433/",                             //
	"https://0x7f000001/",                             //
	"https://0x7f.0.0.1/",                             //
	"https://0x7f.1/",                                 //
	"https://0177.0.0.1/",                             //
	"https://017700000001/",                           //
	"https://127.0.0.1./",                             //
	"https://127.0.0.0x1/",                            //
	"https://8.8.2056/",                               // a public one spelled so, too: who reads it how?
	"https://[::1]/",                                  //
	"https://[0:0:0:0:0:0:0:1]/",                      //
	"https://[::ffff:127.0.0.1]/",                     // mapped
	"https://[::ffff:7f00:1]/",                        //
	"https://[::ffff:10.0.0.1]/",                      //
	"https://[::127.0.0.1]/",                          // compatible
	"https://[64:ff9b::7f00:1]/",                      // NAT64
	"https://[64:ff9b:1::a00:1]/",                     //
	"https://[2002:7f00:1::]/",                        // 6to4
	"https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", // Teredo
	"https://[fc00::1]/",                              // unique local
	"https://[fd00:ec2::254]/",                        //
	"https://[fe80::1]/",                              // link-local
	"https://[fe80::1%25eth0]/",                       //
	"https://[::]/",                                   //
	"https://[ff02::1]/",                              //
	"https://[2001:db8::1]/",                          //
	"https://[::1/",                                   //
	"https://0.0.0.0/",                                //
	"https://0/",                                      //
	"https://10.0.0.1/",                               // private
	"https://172.16.0.1/",                             //
	"https://172.31.255.255/",                         //
	"https://192.168.1.1/",                            //
	"https://100.64.0.1/",                             // carrier-grade NAT
	"https://100.100.100.200/",                        //
	"https://169.254.169.254/latest/meta-data",        // metadata
	"https://168.63.129.16/",                          //
	"https://192.0.0.192/",                            //
	"https://192.0.2.1/",                              // documentation, benchmarks, reserved, multicast, broadcast
	"https://198.18.0.1/",                             //
	"https://203.0.113.1/",                            //
	"https://224.0.0.1/",                              //
	"https://240.0.0.1/",                              //
	"https://255.255.255.255/",                        //
	"https://localhost/",                              // local names
	"https://LOCALHOST/",                              //
	"https://localhost./",                             //
	"https://api.localhost/",                          //
	"https://printer.local/",                          //
	"https://metadata.google.internal/",               //
	"https://kubernetes.default.svc.cluster.local/",   //
	"https://intranet/",                               //
	"https://postgres/",                               //
	"https://box.home.arpa/",                          //
	"https://hooks..example.com/",                     // no names
	"https://-hooks.example.com/",                     //
	"https://hooks.example.com%2f@127.0.0.1/",         //
	"https://127%2e0.0.1/",                            //
	"https://①②⑦.⓪.⓪.①/",                              // other scripts
	"https://ｌocalhost/",                              //
	"https://bücher.example/",                         //
	"https://hooks.example.com/" + strings.Repeat("a", maxURL),
}

func TestWebhookURLsOfThreat45AreRefused(t *testing.T) {
	assert.GreaterOrEqual(t, len(attacks), 40)
	for _, raw := range attacks {
		assert.False(t, URLRules{}.Allow(raw), "%q", raw)
	}
}

func TestUsualWebhookURLsAreTaken(t *testing.T) {
	for _, raw := range []string{
		"https://hooks.example.com", "https://hooks.example.com/", "https://hooks.example.com/in?token=a%20b&x=1", "https://hooks.example.com:443/in",
		"https://hooks.example.com:8443/in", "HTTPS://Hooks.Example.COM/In", "https://xn--bcher-kva.example/", "https://8.8.8.8/in",
		"https://[2606:4700:4700::1111]/in", "https://a_b.example.com/", "https://example.com/~x/[1]", "https://h4.example.x1/",
	} {
		assert.True(t, URLRules{}.Allow(raw), "%q", raw)
	}
}

// What whoever runs the instance allows is taken, and no more of the addresses that name one.
func TestAllowedNetworks(t *testing.T) {
	rules := URLRules{Private: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16")}}
	for _, raw := range []string{
		"http://10.1.2.3:8080/in", "https://10.1.2.3/in", "https://[::ffff:10.1.2.3]:9000/", "http://[fd12::1]:8080/", "http://receiver.internal:8080/",
		"http://receiver/", "https://hooks.example.com/", "http://localhost:3000/", // judged when it is dialed
	} {
		assert.True(t, rules.Allow(raw), "%q", raw)
	}
	for _, raw := range []string{
		"http://10.2.0.1/", "https://10.2.0.1/", "http://127.0.0.1/", "http://8.8.8.8/", "https://8.8.8.8:9000/", "http://[fd13::1]/", "http://0x0a010203/",
		"http://user@10.1.2.3/", "ftp://10.1.2.3/", "https://[fe80::1%25eth0]/", "http://10.1.2.3/#x",
	} {
		assert.False(t, rules.Allow(raw), "%q", raw)
	}
}

func TestGlobalAddresses(t *testing.T) {
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "169.254.0.1", "172.16.0.1", "172.31.0.1", "192.0.0.8",
		"192.0.2.9", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.1.1.1",
		"255.255.255.255", "168.63.129.16", "::", "::1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:192.168.0.1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1",
		"2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1", "fd00::1",
		"fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
	} {
		assert.False(t, global(netip.MustParseAddr(text)), text)
	}
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.17.0.1", "198.20.0.1",
		"223.255.255.255", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2003::1",
	} {
		assert.True(t, global(netip.MustParseAddr(text)), text)
	}
	assert.False(t, global(netip.Addr{}))
	assert.False(t, global(netip.MustParseAddr("2606:4700::1%eth0")))
}
