package weixin

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Hosts are the base URLs of WeChat's servers, without a slash at the end.
type Hosts struct {
	Open     string // pages that a browser visits
	API      string // what servers call
	Fallback string // stands in for API where that fails; "": nothing does
	WeCom    string // what servers call of WeCom's API

	// WeComLogin is the page with a QR code for browsers outside WeCom.
	WeComLogin string
}

// WeChatHosts returns WeChat's own hosts
// (https://developers.weixin.qq.com/doc/service/Basic_Information/Interface_field_description.html) and WeCom's
// (https://developer.work.weixin.qq.com/document/path/91039 and 98152).
func WeChatHosts() Hosts {
	return Hosts{
		Open:     "https://open.weixin.qq.com",
		API:      "https://api.weixin.qq.com",
		Fallback: "https://api2.weixin.qq.com",
		WeCom:    "https://qyapi.weixin.qq.com",

		WeComLogin: "https://login.work.weixin.qq.com",
	}
}

// HostsAt returns hosts that are all the one at base, a simulator's, with another one as the fallback unless that is
// "".
func HostsAt(base, fallback string) Hosts {
	base = strings.TrimSuffix(base, "/")
	return Hosts{Open: base, API: base, Fallback: strings.TrimSuffix(fallback, "/"), WeCom: base, WeComLogin: base}
}

// detourFor is how long calls begin at the fallback once the API's own host has failed: nobody is to wait for a host
// that was just seen to be down, and nothing is to stay away from it for long.
const detourFor = time.Minute

// detour is until when calls begin at the fallback, in Unix nanoseconds.
type detour struct{ until atomic.Int64 }

func (c *Client) detourOf() *detour {
	if c.parent != nil {
		return &c.parent.detour
	}
	return &c.detour
}

// hosts returns the host to call, and the one to turn to where it fails, "" where there is none.
func (c *Client) hosts() (first, second string) {
	if c.Hosts.Fallback != "" && c.now().UnixNano() < c.detourOf().until.Load() {
		return c.Hosts.Fallback, c.Hosts.API
	}
	return c.Hosts.API, c.Hosts.Fallback
}

// avoid makes the next calls begin at the other host than the one that failed.
func (c *Client) avoid(host string, err error) {
	if host != c.Hosts.API {
		c.detourOf().until.Store(0)
		return
	}
	now := c.now()
	if last := c.detourOf().until.Swap(now.Add(detourFor).UnixNano()); last < now.UnixNano() && c.Logger != nil {
		c.Logger.Warn("WeChat's API fails at its usual host: calls go to its fallback for now",
			zap.String("fallback", c.Hosts.Fallback), zap.Duration("for", detourFor), zap.Error(err))
	}
}

// isFailureOfHost reports whether a call failed in a way that another host may do better.
func isFailureOfHost(err error) bool {
	return errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnreachable) ||
		errors.Is(err, ErrAnswer) && !errors.Is(err, ErrUnreadable)
}

// isSystemError reports whether WeChat answered -1, which passes as often as not when it is asked again.
func isSystemError(err error) bool {
	apiErr, ok := errors.AsType[*Error](err)
	return ok && apiErr.Code == -1
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
