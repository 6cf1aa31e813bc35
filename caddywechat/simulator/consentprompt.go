package simulator

import "net/http"

// consentPrompt is what the pages show that ask the person who holds the phone; and, since the simulator can't know,
// who that is.
type consentPrompt struct {
	Account string
	Site    string // the host that the answer goes to
	People  []personView

	Authorize string // the query of the authorize URL; empty on the phone of a QR login
	UUID      string // of the QR login; else empty
}

func (s *Simulator) newConsentPrompt(r *http.Request, req authorizationRequest, holder Person) consentPrompt {
	people, nasty := s.personViews(rootOf(r), holder)
	return consentPrompt{Account: req.account.Name, Site: req.redirect.Host, People: append(people, nasty...)}
}

// consentPage asks for a profile; and where WeChat is silent, only who it is.
func (s *Simulator) consentPage(r *http.Request, req authorizationRequest, holder Person) response {
	prompt := s.newConsentPrompt(r, req, holder)
	prompt.Authorize = req.raw
	switch req.scope {
	case ScopeBase:
		return renderPage(r, "choose", "consent", prompt)
	case ScopePrivateInfo:
		return renderPage(r, "wwconsent", "consent", prompt)
	default:
		return renderPage(r, "consent", "consent", prompt)
	}
}

// confirmPage asks, on the phone that scanned a QR code, whether to log in.
func (s *Simulator) confirmPage(r *http.Request, req authorizationRequest, uuid string) response {
	prompt := s.newConsentPrompt(r, req, s.holderFor(r))
	prompt.UUID = uuid
	if req.weCom != nil {
		return renderPage(r, "wwconfirm", "confirm", prompt)
	}
	return renderPage(r, "confirm", "confirm", prompt)
}
