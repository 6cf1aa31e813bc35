package page

import "testing"

func TestLinks_LeadToThisSiteOrOverHTTP(t *testing.T) {
	tests := []struct {
		raw              string
		action, absolute bool // whether it is one
	}{
		{"/", true, false},
		{"/_wechat/login?return_to=%2Fa%2F%2Fb#/c", true, false},
		{"/a//b", true, false},
		{"https://h5.example.com/a?b#c", true, true},
		{"http://localhost:8080", true, true},
		{"HTTPS://h5.example.com/", true, true},
		{"", false, false},
		{"a", false, false},
		{"?a", false, false},
		{"//evil.example", false, false},
		{"///evil.example", false, false},
		{`/\evil.example`, false, false},
		{`\\evil.example`, false, false},
		{"/\t/evil.example", false, false},
		{"/\n/evil.example", false, false},
		{"\t//evil.example", false, false},
		{" https://evil.example", false, false},
		{"https:evil.example", false, false},
		{"https:/evil.example", false, false},
		{"https:///evil.example", false, false},
		{`https://evil.example\@h5.example.com/`, false, false},
		{"javascript:alert(1)", false, false},
		{"java\nscript:alert(1)", false, false},
		{"data:text/html,x", false, false},
		{"weixin://dl/scan", false, false},
		{"ftp://h5.example.com/", false, false},
	}
	for _, test := range tests {
		if got := actionLink(test.raw); (got == test.raw && got != "") != test.action {
			t.Errorf("actionLink(%q) = %q", test.raw, got)
		}
		if got := absoluteLink(test.raw); (got == test.raw && got != "") != test.absolute {
			t.Errorf("absoluteLink(%q) = %q", test.raw, got)
		}
	}
}
