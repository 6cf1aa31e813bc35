package simulator

import (
	"net/http"
)

// response is made before anything is written, so that the journal can record the outcome and a fault can replace it.
type response struct {
	status  int
	header  http.Header
	body    []byte
	outcome string
}

func newResponse(contentType, body, outcome string) response {
	return response{
		status: http.StatusOK,
		header: http.Header{
			"Content-Type":  {contentType},
			"Cache-Control": {"no-store"},
		},
		body:    []byte(body),
		outcome: outcome,
	}
}

func (a response) withStatus(status int) response {
	a.status = status
	return a
}

func (a response) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// redirect sends the browser elsewhere. The location is not touched: an app may rely on the bytes of its own URL.
func redirect(status int, location, outcome string) response {
	a := newResponse("text/html; charset=utf-8", "", outcome).withStatus(status)
	a.header.Set("Location", location)
	return a
}
