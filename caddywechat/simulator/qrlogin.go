package simulator

import (
	"context"
	"time"
)

// qrLife is how long a QR code can be scanned and answered. WeChat's own limit is not documented; this is about what is
// seen.
const qrLife = 5 * time.Minute

// What has become of a QR code: wx_errcode of the page's poll. Observed, WeChat documents none of it.
const (
	qrExpired   = 402 // or answered and over, or never there
	qrRefused   = 403
	qrScanned   = 404
	qrConfirmed = 405
	qrWaiting   = 408
)

// qrLogin is a QR code on somebody's screen: what an app asks of whoever scans it.
type qrLogin struct {
	ask     authorization
	status  int
	code    string // for the app, once confirmed
	expires time.Time
	changed chan struct{} // closed, and replaced, when the status changes
}

func (l *qrLogin) become(status int) {
	l.status = status
	close(l.changed)
	l.changed = make(chan struct{})
}

// startQRLogin returns the uuid of a new QR code. It has the shape of WeChat's: 16 characters of [0-9A-Za-z].
func (s *Simulator) startQRLogin(ask authorization) string {
	uuid := randomText(16)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.qrLogins.put(uuid, &qrLogin{
		ask:     ask,
		status:  qrWaiting,
		expires: s.config.Now().Add(qrLife),
		changed: make(chan struct{}),
	})
	return uuid
}

// qrLogin is called with the lock held. It returns nothing for a QR code that has expired.
func (s *Simulator) qrLogin(uuid string) (*qrLogin, bool) {
	login, ok := s.qrLogins.get(uuid)
	if !ok || !s.config.Now().Before(login.expires) {
		return nil, false
	}
	return login, true
}

func (s *Simulator) hasQRLogin(uuid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.qrLogin(uuid)
	return ok
}

// openQRLogin is called with the lock held. It returns a QR code that nobody has answered yet.
func (s *Simulator) openQRLogin(uuid string) (*qrLogin, bool) {
	login, ok := s.qrLogin(uuid)
	if !ok || login.status != qrWaiting && login.status != qrScanned {
		return nil, false
	}
	return login, true
}

// scanQRLogin notes that a phone has read the QR code, and tells what the app asks.
func (s *Simulator) scanQRLogin(uuid string) (authorization, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.openQRLogin(uuid)
	if !ok {
		return authorization{}, false
	}
	if login.status == qrWaiting {
		login.become(qrScanned)
	}
	return login.ask, true
}

// confirmQRLogin lets a person in, once.
func (s *Simulator) confirmQRLogin(uuid string, person Person) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.openQRLogin(uuid)
	if !ok {
		return false
	}
	login.code = s.putCode(&s.codes, login.ask.grant(person, false))
	login.become(qrConfirmed)
	return true
}

func (s *Simulator) refuseQRLogin(uuid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.openQRLogin(uuid)
	if !ok {
		return false
	}
	login.become(qrRefused)
	return true
}

// maxPoll is how long a poll is held. WeChat's hold was seen to be 14 to 35 seconds.
const maxPoll = 25 * time.Second

// awaitQRLogin returns what has become of a QR code: at once if that is news to the page, otherwise when it changes, or
// qrWaiting when the time is over. known is qrWaiting or qrScanned, what the page knows already.
func (s *Simulator) awaitQRLogin(ctx context.Context, uuid string, known int) qrNews {
	ctx, cancel := context.WithTimeout(ctx, maxPoll)
	defer cancel()
	defer context.AfterFunc(s.life(), cancel)()
	for {
		news, changed, left := s.qrNews(uuid)
		if news.status != known && news.status != qrWaiting {
			return news
		}
		select {
		case <-changed:
		case <-time.After(left):
		case <-ctx.Done():
			return qrNews{status: qrWaiting}
		}
	}
}

// qrNews is what a poll tells. A confirmed login comes with its code and the callback that takes it to the app.
type qrNews struct {
	status   int
	code     string
	callback string
}

// qrNews tells what has become of a QR code, when that changes, and how long it has left. Whoever hears first that it is
// confirmed gets the code, and nobody else does.
func (s *Simulator) qrNews(uuid string) (news qrNews, changed <-chan struct{}, left time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.qrLogin(uuid)
	if !ok {
		return qrNews{status: qrExpired}, nil, 0
	}
	news.status = login.status
	if login.status == qrConfirmed {
		news.code = login.code
		news.callback = callbackURL(login.ask.redirectURI, "code="+login.code+"&state="+login.ask.state)
		login.become(qrExpired)
	}
	return news, login.changed, login.expires.Sub(s.config.Now())
}
