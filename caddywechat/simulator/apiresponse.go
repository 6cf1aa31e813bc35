package simulator

import (
	"net/http"
	"strconv"
)

// The two content types of api.weixin.qq.com. Neither is a slip of ours: the first has no charset though the body is
// UTF-8, the second says encoding where charset is meant.
const (
	typeSuccess = "text/plain"
	typeError   = "application/json; encoding=utf-8"
)

// succeed answers an API call. Most calls have no errcode in a successful answer.
func (s *Simulator) succeed(f fields) response {
	contentType := typeSuccess
	if s.Quirks().JSONSuccess {
		contentType = typeError
	}
	return newResponse(contentType, f.encode(), "ok")
}

// refuse answers an API call with an error, which is HTTP status 200 at WeChat.
func (s *Simulator) refuse(errcode int) response {
	errmsg, ok := errmsgs[errcode]
	if !ok {
		errmsg = "simulated error"
	}
	body := fields{{"errcode", errcode}, {"errmsg", errmsg + s.errmsgTail()}}.encode()
	a := newResponse(typeError, body, strconv.Itoa(errcode))
	// WeChat writes these names so; http.Header.Set would change them.
	a.header["RetKey"] = []string{"11"}
	a.header["LogicRet"] = []string{strconv.Itoa(errcode)}
	return a
}

func (s *Simulator) getOnly(handle func(*http.Request) response) func(*http.Request) response {
	return func(r *http.Request) response {
		if r.Method != http.MethodGet {
			return s.refuse(43001)
		}
		return handle(r)
	}
}
