package simulator

import (
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

// languageOf is the language of ours that suits r's visitor best. The app may choose that of the QR pages.
func languageOf(r *http.Request) string {
	if r.URL.Path == qrConnectPath || r.URL.Path == weComLoginPath {
		switch r.URL.Query().Get("lang") {
		case "cn", "zh":
			return "zh-CN"
		case "en":
			return "en"
		}
	}
	return locale.Of(r)
}
