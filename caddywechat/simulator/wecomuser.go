package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// weComCodeLength is the length of WeCom's codes. Documented is: up to 512 bytes.
const weComCodeLength = 512

// userTicketLifetime is how long a member's details can be read. Source: 96442.
const userTicketLifetime = 30 * time.Minute

// userTicket lets an app read the details of a member who agreed.
type userTicket struct {
	owner   string // the app, as WeComApp.owner returns it
	person  Person
	expires time.Time
}

// weComUserInfo is GET /cgi-bin/auth/getuserinfo: whom a code stands for. Source: 96442 and 98177.
func (s *Simulator) weComUserInfo(r *http.Request) response {
	query := r.URL.Query()
	owner, errcode := s.ownerOf(query.Get("access_token"), isWeComApp, 40014)
	code := query.Get("code")
	switch {
	case errcode != 0:
		return s.refuseWeCom(r, errcode)
	case code == "":
		return s.refuseWeCom(r, 41008)
	}
	g, errcode := s.redeemWeComCode(code, owner)
	if errcode != 0 {
		return s.refuseWeCom(r, errcode)
	}
	f := fields{{"errcode", 0}, {"errmsg", "ok"}}
	switch person := g.person.inWeCom(); person.WeCom {
	case External:
		f = append(f, field{"openid", g.openID()}, field{"external_userid", ExternalUserID(g.weCom.CorpID, person.ID)})
	case Stranger:
		f = append(f, field{"openid", g.openID()})
	default:
		f = append(f, field{"userid", person.UserID})
		if g.scope == ScopePrivateInfo && person.WeCom == Member {
			f = append(f, field{"user_ticket", s.issueUserTicket(owner, person)})
		}
	}
	return succeedWeCom(f)
}

// redeemWeComCode returns the grant of a code, once. It has to be the app's own, and to have come by the app's trusted
// domain.
func (s *Simulator) redeemWeComCode(name, owner string) (grant, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ok := s.codes.get(name)
	switch {
	case !ok, code.grant.weCom == nil, code.used, !s.config.Now().Before(code.expires):
		return grant{}, 40029
	case code.grant.weCom.owner() != owner, !code.grant.weCom.trusts(code.grant.redirect):
		return grant{}, 50001
	}
	code.used = true
	return code.grant, 0
}

func (s *Simulator) issueUserTicket(owner string, person Person) string {
	text := randomText(weComCodeLength)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.userTickets.put(text, &userTicket{owner: owner, person: person, expires: s.config.Now().Add(userTicketLifetime)})
	return text
}

// weComUserDetail is POST /cgi-bin/auth/getuserdetail: what a member agreed to. Here that is the picture; the company's
// administrator ticks what may be asked. Source: 96443.
func (s *Simulator) weComUserDetail(r *http.Request) response {
	if r.Method != http.MethodPost {
		return s.refuseWeCom(r, 43002)
	}
	owner, errcode := s.ownerOf(r.URL.Query().Get("access_token"), isWeComApp, 40014)
	if errcode != 0 {
		return s.refuseWeCom(r, errcode)
	}
	var req struct {
		Ticket string `json:"user_ticket"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxForm))
	if err != nil || json.Unmarshal(body, &req) != nil {
		return s.refuseWeCom(r, 47001)
	}
	person, errcode := s.ticketHolder(req.Ticket, owner)
	if errcode != 0 {
		return s.refuseWeCom(r, errcode)
	}
	return succeedWeCom(fields{
		{"errcode", 0},
		{"errmsg", "ok"},
		{"userid", person.UserID},
		{"gender", "1"},
		{"avatar", s.avatarURL(r, person)},
		{"qr_code", ""},
	})
}

func (s *Simulator) ticketHolder(text, owner string) (Person, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ticket, ok := s.userTickets.get(text)
	switch {
	case !ok, ticket.owner != owner:
		return Person{}, 84015
	case !s.config.Now().Before(ticket.expires):
		return Person{}, 84014
	}
	return ticket.person, 0
}

// weComUser is GET /cgi-bin/user/get: a member in the app's visible range. Source: 90196, and 96255 for what apps made
// after June 2022 do not get.
func (s *Simulator) weComUser(r *http.Request) response {
	query := r.URL.Query()
	_, errcode := s.ownerOf(query.Get("access_token"), isWeComApp, 40014)
	if errcode != 0 {
		return s.refuseWeCom(r, errcode)
	}
	s.mu.Lock()
	person, ok := s.state.member(query.Get("userid"))
	s.mu.Unlock()
	switch {
	case !ok, strings.Contains(person.UserID, "/"):
		return s.refuseWeCom(r, 60111)
	case person.WeCom == Hidden:
		return s.refuseWeCom(r, 60011)
	}
	departments := person.departments()
	return succeedWeCom(fields{
		{"errcode", 0},
		{"errmsg", "ok"},
		{"userid", person.inWeCom().UserID},
		{"name", s.nickname(person)},
		{"department", departments},
		{"main_department", departments[0]},
		{"position", ""},
		{"status", 1},
		{"isleader", 0},
		{"enable", 1},
		{"order", slices.Repeat([]int{0}, len(departments))},
	})
}
