package site

import "testing"

func TestOrigin_NamesThatOnlyThisNetworkKnows(t *testing.T) {
	for host, want := range map[string]bool{
		"h5.example.com": true, "example.cn": true, "localhost": false, "app.localhost": false, "127.0.0.1": false,
		"192.168.1.5": false, "[::1]": false, "nas.lan": false, "nas": false, "nas.local": false, "svc.internal": false,
		"router.home.arpa": false,
	} {
		if got := isPublicName(host); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}
