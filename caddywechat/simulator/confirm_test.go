package simulator

import (
	"net/http"
	"strings"
	"testing"
)

func TestConfirm_RefusesWhatNoPageSends(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	uuid := h.newUUID()
	for form, header := range map[string][]string{
		"uuid=" + uuid + "&answer=perhaps":               nil,
		"uuid=" + uuid + "&answer=snapshot":              nil,
		"uuid=" + uuid:                                   nil,
		"uuid=" + uuid + "&answer=allow&person=nobody":   nil,
		"uuid=" + uuid + "&answer=allow":                 {"Sec-Fetch-Site", "cross-site"},
		"uuid=" + uuid + "&answer=allow&":                {"Origin", "http://evil.example"},
		"uuid=" + uuid + "&answer=allow&x=%zz":           nil,
		"answer=allow&" + strings.Repeat("x", maxForm):   nil,
		"uuid=" + uuid + "&answer=deny&person=%3Cscript": nil,
	} {
		if r := h.postForm(confirmPath, form, header...); r.status != http.StatusBadRequest &&
			r.status != http.StatusForbidden || strings.Contains(r.body, "<script") {
			t.Errorf("%.60s: got %d %s", form, r.status, r.body)
		}
	}
	if !h.tap(uuid, "allow", "") {
		t.Error("it was answered meanwhile")
	}
}

func TestConfirm_EscapesNames(t *testing.T) {
	t.Parallel()
	app := demoWebsite()
	app.Name = `"><script>alert(1)</script>`
	h := newHarness(t, Config{Websites: []WebsiteApp{app}, Quirks: Quirks{NastyPeople: true}})
	r := h.get(qrConnectPath + "?" + qrQuery())
	if strings.Count(r.body, "<script") != 1 || !strings.Contains(r.body, "&lt;script&gt;alert(1)") {
		t.Errorf("got %s", r.body)
	}
	r = h.get(confirmPath + "?uuid=" + uuidOnPage.FindStringSubmatch(r.body)[1])
	if strings.Contains(r.body, "<script") || !strings.Contains(r.body, `value="nasty-markup"`) ||
		!strings.Contains(r.body, "没有昵称") {
		t.Errorf("got %s", r.body)
	}
}
