package simulator

import (
	"net/http"
	"regexp"
	"testing"
)

func TestErrmsg_EndsInTheQuirksStyle(t *testing.T) {
	t.Parallel()
	for style, shape := range map[Errmsg]string{
		ErrmsgRID:      `^{"errcode":40029,"errmsg":"invalid code, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"}$`,
		ErrmsgPlainRID: `^{"errcode":40029,"errmsg":"invalid code rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"}$`,
		ErrmsgHints:    `^{"errcode":40029,"errmsg":"invalid code, hints: \[ req_id: [0-9A-Za-z-]{17} \]"}$`,
	} {
		h := newHarness(t, Config{Quirks: Quirks{Errmsg: style}})
		r := h.get(exchangePath("0nothing"))
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/json; encoding=utf-8" ||
			r.header.Get("LogicRet") != "40029" {
			t.Errorf("got %d %v", r.status, r.header)
		}
		if !regexp.MustCompile(shape).MatchString(r.body) {
			t.Errorf("got %s, want %s", r.body, shape)
		}
	}
}
