package simulator

import (
	"context"
	"time"
)

// qrCodeLifetime is how long a QR code can be scanned and answered. WeChat's own limit is not documented; this is about
// what is seen.
const qrCodeLifetime = 5 * time.Minute

// The status of a QR code: wx_errcode of the page's poll. Observed, WeChat documents none of it.
const (
	qrExpired   = 402 // or answered and polled, or unknown
	qrRefused   = 403
	qrScanned   = 404
	qrConfirmed = 405
	qrWaiting   = 408
)

// qrLogin is a QR code on somebody's screen: what an app asks of whoever scans it.
type qrLogin struct {
	req     authorizationRequest
	status  int
	code    string // for the app, once confirmed
	expires time.Time
	changed chan struct{} // closed, and replaced, when the status changes
}

func (l *qrLogin) setStatus(status int) {
	l.status = status
	close(l.changed)
	l.changed = make(chan struct{})
}

// startQRLogin returns the uuid of a new QR code. It has the shape of WeChat's: 16 characters of [0-9A-Za-z].
func (s *Simulator) startQRLogin(req authorizationRequest) string {
	uuid := randomText(16)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.qrLogins.put(uuid, &qrLogin{
		req:     req,
		status:  qrWaiting,
		expires: s.config.Now().Add(qrCodeLifetime),
		changed: make(chan struct{}),
	})
	return uuid
}

// qrLoginLocked returns nothing for a QR code that has expired. It is called with the lock held.
func (s *Simulator) qrLoginLocked(uuid string) (*qrLogin, bool) {
	login, ok := s.qrLogins.get(uuid)
	if !ok || !s.config.Now().Before(login.expires) {
		return nil, false
	}
	return login, true
}

func (s *Simulator) hasQRLogin(uuid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.qrLoginLocked(uuid)
	return ok
}

// pendingQRLoginLocked returns a QR code that nobody has answered yet. It is called with the lock held.
func (s *Simulator) pendingQRLoginLocked(uuid string) (*qrLogin, bool) {
	login, ok := s.qrLoginLocked(uuid)
	if !ok || login.status != qrWaiting && login.status != qrScanned {
		return nil, false
	}
	return login, true
}

// scanQRLogin records that a phone has read the QR code, and returns what the app asks.
func (s *Simulator) scanQRLogin(uuid string) (authorizationRequest, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.pendingQRLoginLocked(uuid)
	if !ok {
		return authorizationRequest{}, false
	}
	if login.status == qrWaiting {
		login.setStatus(qrScanned)
	}
	return login.req, true
}

// confirmQRLogin lets a person in, once.
func (s *Simulator) confirmQRLogin(uuid string, person Person) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.pendingQRLoginLocked(uuid)
	if !ok {
		return false
	}
	login.code = s.issueCodeLocked(&s.codes, login.req.grant(person, false))
	login.setStatus(qrConfirmed)
	return true
}

func (s *Simulator) refuseQRLogin(uuid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.pendingQRLoginLocked(uuid)
	if !ok {
		return false
	}
	login.setStatus(qrRefused)
	return true
}

// maxPoll is how long a poll is held. WeChat's hold was seen to be 14 to 35 seconds.
const maxPoll = 25 * time.Second

// awaitQRLogin returns the status of a QR code: at once if the page does not know it, otherwise when it changes, or
// qrWaiting when the time is over. known is qrWaiting or qrScanned, what the page knows already.
func (s *Simulator) awaitQRLogin(ctx context.Context, uuid string, known int) pollResult {
	ctx, cancel := context.WithTimeout(ctx, maxPoll)
	defer cancel()
	defer context.AfterFunc(s.stateContext(), cancel)()
	for {
		result, changed, remaining := s.takePollResult(uuid)
		if result.status != known && result.status != qrWaiting {
			return result
		}
		select {
		case <-changed:
		case <-time.After(remaining):
		case <-ctx.Done():
			return pollResult{status: qrWaiting}
		}
	}
}

// pollResult is what a poll returns. A confirmed login comes with its code and the callback that takes it to the app.
type pollResult struct {
	status   int
	code     string
	callback string
}

// takePollResult returns the status of a QR code, a channel that is closed when that changes, and the time until it
// expires. Whoever asks first after it is confirmed gets the code, and nobody else does.
func (s *Simulator) takePollResult(uuid string) (result pollResult, changed <-chan struct{}, remaining time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.qrLoginLocked(uuid)
	if !ok {
		return pollResult{status: qrExpired}, nil, 0
	}
	result.status = login.status
	if login.status == qrConfirmed {
		result.code = login.code
		result.callback = callbackURL(login.req.redirectURI, "code="+login.code+"&state="+login.req.state)
		login.setStatus(qrExpired)
	}
	return result, login.changed, login.expires.Sub(s.config.Now())
}
