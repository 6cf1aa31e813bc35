package simulator

import (
	"fmt"
	"net/http"
	"strconv"

	"rsc.io/qr"
)

// qrConnect is GET /connect/qrconnect, the page with a QR code to which a website sends its visitor. Like the authorize
// page, it keeps every problem to itself. Any browser may open it.
func (s *Simulator) qrConnect(r *http.Request) response {
	if r.Method != http.MethodGet {
		return methodNotAllowed("GET")
	}
	req, p := s.checkQRConnect(r.URL.RawQuery)
	if p != nil {
		return problemPage(r, *p)
	}
	return s.qrPage(r, "qrconnect", req)
}

// qrPage shows a QR code for an app's request, on the page of this name.
func (s *Simulator) qrPage(r *http.Request, page string, req authorizationRequest) response {
	before, after := splitCallback(req.redirectURI)
	return renderPage(r, page, "qr code", struct {
		App, UUID, Before, State, After string
	}{req.account.Name, s.startQRLogin(req), before, req.state, after})
}

// qrCode is GET /connect/qrcode/{uuid}, the picture of what a phone opens. It is not one of the paths that may
// have faults, and is in the journal without its uuid, since whoever knows that can take the code.
func (s *Simulator) qrCode(w http.ResponseWriter, r *http.Request) {
	a := s.qrPicture(r)
	s.record(r.Method, qrCodePath, a.outcome)
	a.write(w)
}

func (s *Simulator) qrPicture(r *http.Request) response {
	if r.Method != http.MethodGet {
		return methodNotAllowed("GET")
	}
	uuid := r.PathValue("uuid")
	if !s.hasQRLogin(uuid) {
		return newResponse("text/plain; charset=utf-8", "no such QR code\n", "404").withStatus(http.StatusNotFound)
	}
	code, err := qr.Encode(s.baseURL(r)+confirmPath+"?uuid="+uuid, qr.M)
	if err != nil {
		text := "the simulator's address is too long for a QR code: set PublicURL\n"
		return newResponse("text/plain; charset=utf-8", text, "500").withStatus(http.StatusInternalServerError)
	}
	return newResponse("image/png", string(code.PNG()), "ok")
}

// qrPoll is GET /connect/l/qrconnect, by which the page hears of the phone. It answers JavaScript, as observed.
func (s *Simulator) qrPoll(r *http.Request) response {
	if r.Method != http.MethodGet {
		return methodNotAllowed("GET")
	}
	query := r.URL.Query()
	known := qrWaiting
	if query.Get("last") == strconv.Itoa(qrScanned) {
		known = qrScanned
	}
	result := s.awaitQRLogin(r.Context(), query.Get("uuid"), known)
	if result.callback != "" {
		s.duplicate(result.callback, r.UserAgent())
	}
	body := fmt.Sprintf("window.wx_errcode=%d;window.wx_code='%s';", result.status, result.code)
	a := newResponse("text/javascript; charset=utf-8", body, strconv.Itoa(result.status))
	a.header.Set("X-Content-Type-Options", "nosniff")
	return a
}

// confirm is /connect/confirm, which the phone opens that scanned the code: GET asks, POST takes the answer. A test
// client may post there what a browser would: uuid; answer, which is allow or deny; and person, an id from the list,
// which may be left out for the one who holds the phone.
func (s *Simulator) confirm(r *http.Request) response {
	switch r.Method {
	case http.MethodGet:
		uuid := r.URL.Query().Get("uuid")
		req, ok := s.scanQRLogin(uuid)
		if !ok {
			return problemPage(r, staleQRCode)
		}
		return s.confirmPage(r, req, uuid)
	case http.MethodPost:
		return s.confirmed(r)
	default:
		return methodNotAllowed("GET, POST")
	}
}

func (s *Simulator) confirmed(r *http.Request) response {
	if refusal, ok := s.readForm(r); !ok {
		return refusal
	}
	person, chosen, ok := s.chosenPerson(r)
	if !ok {
		return badRequest(r, "no_person", "{person}", r.PostForm.Get("person"))
	}
	uuid := r.PostForm.Get("uuid")
	var a response
	switch r.PostForm.Get("answer") {
	case "allow":
		if p := s.checkMembership(uuid, person); p != nil {
			return problemPage(r, *p)
		}
		ok = s.confirmQRLogin(uuid, person)
		a = renderPage(r, "confirmed", "ok", nil)
	case "deny":
		ok = s.refuseQRLogin(uuid)
		a = renderPage(r, "refused", "denied", nil)
	default:
		return badRequest(r, "no_answer", "{answers}", "allow, deny")
	}
	if !ok {
		return problemPage(r, staleQRCode)
	}
	if chosen {
		a.header.Set("Set-Cookie", rememberPerson(person))
	}
	return a
}

var staleQRCode = problem{about: strconv.Itoa(qrExpired), title: "stale", ours: true, hint: "stale"}
