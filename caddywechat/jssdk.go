package caddywechat

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/page"
)

// longestPageURL bounds, in bytes, what somebody can have signed.
const longestPageURL = 4096

// jssdk signs a page of this site for WeChat's JS-SDK.
func (h *Handler) jssdk(w http.ResponseWriter, v *visit) error {
	signer := h.signerFor(v)
	if signer == nil {
		return h.answer(w, v, problemNotFound, page.Data{Action: "/"})
	}
	pageURL := v.URL.Query().Get("url")
	if !isPageOf(v.origin, pageURL) {
		return h.answer(w, v, problemBadRequest, page.Data{Action: "/"})
	}
	ctx, cancel := context.WithTimeout(v.Context(), 2*h.timeout+time.Second) // a token and a ticket may be needed first
	defer cancel()
	signature, err := signer.SignPage(ctx, pageURL)
	if err != nil {
		if v.Context().Err() != nil {
			return nil // nobody is there any more
		}
		if h.jssdkHint.allow(h.now()) {
			h.logger.Error("a page could not be signed for the JS-SDK",
				v.log(zap.String("account", signer.Kind()), zap.Error(err), cure(err))...)
		}
		return h.answer(w, v, problemOf(err), page.Data{})
	}
	return writeJSON(w, http.StatusOK, signature)
}

// signerFor returns the account that signs pages for a visitor: the one that serves the browser, else any that can.
func (h *Handler) signerFor(v *visit) account.PageSigner {
	for _, a := range h.redirectorsFor(v.client()) {
		if signer, ok := a.(account.PageSigner); ok {
			return signer
		}
	}
	for _, a := range h.accounts {
		if signer, ok := a.(account.PageSigner); ok {
			return signer
		}
	}
	return nil
}

// isPageOf reports whether text is the address of a page of the site at o. The scheme is left out: behind a balancer that
// is not trusted we do not know it.
func isPageOf(o origin, text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= longestPageURL && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil &&
		o.host != "" && canonicalHost(o.scheme, u.Host) == o.host
}
