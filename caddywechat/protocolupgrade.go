package caddywechat

import (
	"net/http"
	"slices"
	"strings"
)

// stripUpgrades removes what would make an app, and a proxy before it, switch the connection to another protocol:
// whatever is said on it from then on comes past the gate. An app that takes `Upgrade: h2c`, for one, answers requests
// for any path with any header. A single "websocket" stays, on which an app reads messages and no requests.
func stripUpgrades(h http.Header) {
	upgrades, settings := h["Upgrade"], h["Http2-Settings"]
	if upgrades == nil && settings == nil {
		return
	}
	gone := []string{"http2-settings"}
	delete(h, "Http2-Settings")
	if len(upgrades) != 1 || !strings.EqualFold(upgrades[0], "websocket") {
		delete(h, "Upgrade")
		gone = append(gone, "upgrade")
	}
	lines := h["Connection"]
	var kept []string
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			if option = strings.TrimSpace(option); option != "" && !slices.Contains(gone, strings.ToLower(option)) {
				kept = append(kept, option)
			}
		}
	}
	switch {
	case len(kept) == 0:
		delete(h, "Connection")
	default:
		h["Connection"] = []string{strings.Join(kept, ", ")}
	}
}

// opensTunnel reports whether a request asks by CONNECT for another protocol than WebSocket on its stream (RFC 8441,
// RFC 9220). HTTP/3 names the protocol in r.Proto.
func opensTunnel(r *http.Request) bool {
	if r.Method != http.MethodConnect {
		return false
	}
	switch protocols := r.Header[":protocol"]; {
	case len(protocols) > 0:
		return len(protocols) != 1 || protocols[0] != "websocket"
	case r.ProtoMajor == 3:
		return r.Proto != "websocket"
	default:
		return true
	}
}
