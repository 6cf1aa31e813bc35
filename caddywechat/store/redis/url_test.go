package redis

import (
	"slices"
	"strings"
	"testing"
)

func TestParse_ReadsURLs(t *testing.T) {
	for _, tt := range []struct {
		url                 string
		addrs               string
		name, password      string
		db                  int
		tls, cluster        bool
		master              string
		sentinel, sentinel2 string
	}{
		{url: "redis://h", addrs: "h:6379"},
		{url: "redis://h/", addrs: "h:6379"},
		{url: "redis://h:1/15", addrs: "h:1", db: 15},
		{url: "redis://[::1]", addrs: "[::1]:6379"},
		{url: "redis://u:p%40%2F@h:1", addrs: "h:1", name: "u", password: "p@/"},
		{url: "redis://:p@h", addrs: "h:6379", password: "p"},
		{url: "rediss://h", addrs: "h:6379", tls: true},
		{
			url: "redis://u:p@h:1?addr=i:2&addr=[::1]:3", addrs: "h:1 i:2 [::1]:3",
			name: "u", password: "p", cluster: true,
		},
		{url: "rediss://h:1?addr=h:1", addrs: "h:1", cluster: true, tls: true},
		{url: "redis://h:1/0?addr=i:2", addrs: "h:1 i:2", cluster: true},
		{url: "redis://h:1/2?master_name=m", addrs: "h:1", master: "m", db: 2},
		{
			url: "redis://s:t@h:1?master_name=m&addr=i:2&username=u&password=p%26", addrs: "h:1 i:2", master: "m",
			name: "u", password: "p&", sentinel: "s", sentinel2: "t",
		},
	} {
		o, err := parse(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		if !slices.Equal(o.Addrs, strings.Fields(tt.addrs)) || o.Username != tt.name || o.Password != tt.password ||
			o.DB != tt.db || (o.TLSConfig != nil) != tt.tls || o.IsClusterMode != tt.cluster ||
			o.MasterName != tt.master || o.SentinelUsername != tt.sentinel ||
			o.SentinelPassword != tt.sentinel2 {
			t.Errorf("%s: got %+v", tt.url, o)
		}
		if o.TLSConfig != nil && o.TLSConfig.InsecureSkipVerify {
			t.Errorf("%s: certificates are not looked at", tt.url)
		}
	}
}

func TestParse_RefusesURLsWithoutShowingThem(t *testing.T) {
	const secret = "hunter2"
	for _, tt := range []struct{ url, want string }{
		{"", "redis://"},
		{"localhost:6379", "redis://"},
		{"localhost", "redis://"},
		{"http://localhost", "redis://"},
		{"redis:h", "redis://"},
		{"redis://", "redis://"},
		{"redis://:6379", "redis://"},
		{"redis://h:0", "redis://"},
		{"redis://h:99999", "redis://"},
		{"redis://h:x", "redis://"},
		{"redis://h/x", "redis://"},
		{"redis://h/-1", "redis://"},
		{"redis://h/1/2", "redis://"},
		{"redis://h#x", "redis://"},
		{"redis://hunter2@h", "password"},
		{"redis://:hunter2/x@h", "%2F"},
		{"redis://:12/hunter2@h", "%2F"},
		{"redis://:hunter2#x@h", "%23"},
		{"redis://:1?hunter2@h", "%3F"},
		{"redis://:1%hunter2@h", "%25"},
		{"redis://u:1@hunter2@h:x", "redis://"},
		{"redis://h?hunter2=1", "master_name"},
		{"redis://h?%hunter2", "master_name"},
		{"redis://h?read_timeout=1h", "addr=host:port"},
		{"redis://h?read_only=true&addr=i:1", "addr=host:port"},
		{"redis://h?addr=", "addr=host:port"},
		{"redis://h?addr=i", "redis://"},
		{"redis://h?addr=:1", "redis://"},
		{"redis://h?master_name=", "master_name=name"},
		{"redis://h?master_name=m&master_name=n", "master_name=name"},
		{"redis://h?username=u&password=hunter2", "master_name=name"},
		{"redis://h?master_name=m&replica_only=true", "master_name=name"},
		{"redis://h/1?addr=i:2", "one database"},
		{"rediss://h?skip_verify=true", "SSL_CERT_FILE"},
	} {
		err := checkURL(tt.url)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got %v, want %q", tt.url, err, tt.want)
		}
	}
}
