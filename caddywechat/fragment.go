package caddywechat

import (
	"net/http"
	"net/url"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
)

// mayHaveFragment reports whether the browser's address may go on behind a #, which only a page of ours can find out. An
// address that the login endpoint would not take as it is goes without.
func (h *Handler) mayHaveFragment(v *visit) bool {
	target := target(v.Request)
	return h.KeepFragment && v.Method == http.MethodGet && login.ReturnTo(target, h.Prefix) == target
}

// askForFragment answers with a page that goes on to the login endpoint with the whole address.
func (h *Handler) askForFragment(w http.ResponseWriter, v *visit, profile bool) error {
	action := h.Prefix + "/login?"
	if profile {
		action += "profile=1&"
	}
	h.show(w, v, http.StatusOK, page.Fragment, page.Data{
		Action: action + "return_to=" + url.QueryEscape(target(v.Request)), // the page's script appends to it
	})
	return nil
}
