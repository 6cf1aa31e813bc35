package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

const (
	maxDuplicateDelay = time.Minute
	maxDuplicates     = 20              // under way at a time; more callbacks than these are not duplicated
	duplicateTimeout  = 5 * time.Second // for the app's answer
	maxDuplicateBody  = 1 << 20         // of the app's answer, in bytes
)

// duplicate requests a callback a second time if the quirk DuplicateCallback wants it. The journal has the outcome.
func (s *Simulator) duplicate(callback, userAgent string) {
	delay, ctx := s.Quirks().DuplicateCallback, s.stateContext()
	if delay == 0 {
		return
	}
	select {
	case s.duplicates <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-s.duplicates }()
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return
		}
		path, outcome := requestCallback(ctx, callback, userAgent)
		if ctx.Err() == nil {
			s.record(http.MethodGet, path, "duplicate: "+outcome)
		}
	}()
}

// requestCallback gets the callback as something that is not the visitor's browser would, and says how that ended.
// Errors of net/http are not passed on: they contain the URL and with it the code.
func requestCallback(ctx context.Context, callback, userAgent string) (path, outcome string) {
	u, err := url.Parse(callback)
	if err != nil {
		return "/", "no URL"
	}
	ctx, cancel := context.WithTimeout(ctx, duplicateTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, callback, nil)
	if err != nil {
		return u.Path, "no URL"
	}
	r.Header.Set("User-Agent", userAgent)
	response, err := duplicateClient.Do(r)
	switch {
	case errors.Is(err, errNotLocal):
		return u.Path, "not sent, the address is neither loopback nor private"
	case err != nil:
		return u.Path, "no answer"
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, maxDuplicateBody))
	return u.Path, strconv.Itoa(response.StatusCode)
}

// duplicateClient has no cookies, follows no redirect and asks no proxy. It takes every certificate: those of
// development are made up, and what it sends is worth nothing.
var duplicateClient = &http.Client{
	Transport: &http.Transport{
		DialContext:       (&net.Dialer{Control: onlyLocal}).DialContext,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

var errNotLocal = errors.New("the address is neither loopback nor private")

// onlyLocal is asked with the address itself, after its name was looked up: whatever a callback domain resolves to, the
// simulator sends nothing into the internet.
func onlyLocal(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return errNotLocal
	}
	if ip := addr.Addr().Unmap(); !ip.IsLoopback() && !ip.IsPrivate() {
		return errNotLocal
	}
	return nil
}
