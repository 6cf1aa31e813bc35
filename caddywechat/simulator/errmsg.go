package simulator

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// errmsgs are WeChat's words for its error codes: "Global Return Code" of its documentation, and answers that
// developers published.
var errmsgs = map[int]string{
	-1:    "system error",
	40001: "invalid credential, access_token is invalid or not latest",
	40002: "invalid grant_type",
	40003: "invalid openid",
	40013: "invalid appid",
	40014: "invalid access_token",
	40029: "invalid code",
	40030: "invalid refresh_token",
	40097: "invalid args",
	40125: "invalid appsecret",
	40163: "code been used",
	40164: "invalid ip 118.25.45.123 ipv6 ::ffff:118.25.45.123, not in whitelist",
	40226: "code blocked",
	41001: "access_token missing",
	41002: "appid missing",
	41003: "refresh_token missing",
	41004: "appsecret missing",
	41008: "missing code",
	41009: "missing openid",
	42001: "access_token expired",
	42002: "refresh_token expired",
	42003: "oauth code expired",
	42007: "access_token and refresh_token exception",
	43001: "require GET method",
	43002: "require POST method",
	45009: "reach max api daily quota limit",
	45011: "api minute-quota reach limit mustslower retry next minute",
	47001: "data format error",
	48001: "api unauthorized",
	48004: "api forbidden",
	50001: "user unauthorized",
	50002: "user limited",
	87008: "invalid sig_method",
	87009: "invalid signature",
}

// errmsgTail is the id of the request by which WeChat's staff find it: the time and two random numbers.
func (s *Simulator) errmsgTail() string {
	var b [8]byte
	rand.Read(b[:])
	rid := fmt.Sprintf("%08x-%08x-%08x",
		uint32(s.config.Now().Unix()), binary.BigEndian.Uint32(b[:4]), binary.BigEndian.Uint32(b[4:]))
	switch s.Quirks().Errmsg {
	case ErrmsgPlainRID:
		return " rid: " + rid
	case ErrmsgHints:
		return ", hints: [ req_id: " + randomText(10) + "-" + randomText(6) + " ]"
	default:
		return ", rid: " + rid
	}
}
