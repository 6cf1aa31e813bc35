package weixin

import "time"

// credential is a secret that WeChat gave for a while: an access token or a ticket.
type credential struct {
	Secret  string    `json:"secret"`
	Fetched time.Time `json:"fetched"` // by the clock of the instance that asked
	End     time.Time `json:"end"`

	// Asked is when WeChat was last asked because this one or a former one was refused, Asks how often in a row.
	Asked time.Time `json:"asked,omitzero"`
	Asks  int       `json:"asks,omitempty"`

	// Forced is when another one than the latest was last to be forced, Forces how often in a row.
	Forced time.Time `json:"forced,omitzero"`
	Forces int       `json:"forces,omitempty"`
}

const (
	// spare is how long before its end a credential counts as over: clocks differ, and a call takes its time.
	spare = time.Minute
	// leastUse is how long a credential is used at least, unless it is valid for less: WeCom may give the same one up
	// to its end.
	leastUse = 30 * time.Second
	// mostSkew is how much later than here it may be where a credential was fetched.
	mostSkew = 5 * time.Minute
	// maxTTL is the longest that WeChat is believed.
	maxTTL = 24 * time.Hour

	// WeChat gives another access token only in the last five minutes of the former one, which stays valid to its end.
	// So each instance renews at a moment of its own between these two before the end, and the first one does it for
	// all.
	earliestRenewal = 4*time.Minute + 30*time.Second
	latestRenewal   = 2 * time.Minute
	// renewalPause is the least time between two calls for a renewal, where WeChat gives what it gave before.
	renewalPause = time.Minute
)

// isUsable reports whether the credential is good for a call. A nil one is not.
func (c *credential) isUsable(now time.Time) bool {
	if c == nil || c.Fetched.Sub(now) > mostSkew {
		return false
	}
	return now.Before(c.End.Add(-spare)) || now.Before(c.Fetched.Add(leastUse)) && now.Before(c.End)
}

// isDue reports whether it is time to look for another one, so long before the end.
func (c *credential) isDue(now time.Time, ahead time.Duration) bool {
	due := c.End.Add(-ahead)
	if pause := c.Fetched.Add(renewalPause); due.Before(pause) {
		due = pause
	}
	return !now.Before(due)
}

// WeChat refreshes a token by force at most every 30 s and 20 times a day, for all servers of an account. Where
// refusals go on after that, the cause is another one: these pauses make 15 in a day.
const (
	leastForcePause = 30 * time.Second
	mostForcePause  = 4 * time.Hour
)

func (c *credential) askPause() time.Duration { return doubled(leastPause, c.Asks-1, mostPause) }

func (c *credential) forcePause() time.Duration {
	return doubled(leastForcePause, c.Forces-1, mostForcePause)
}

// mayBeAskedFor reports whether WeChat may be asked what the latest one is, since this one was refused.
func (c *credential) mayBeAskedFor(now time.Time) bool {
	return c.Asks == 0 || !now.Before(c.Asked.Add(c.askPause()))
}

// mayBeForced reports whether another one may be forced in place of the latest.
func (c *credential) mayBeForced(now time.Time) bool {
	return c.Forces == 0 || !now.Before(c.Forced.Add(c.forcePause()))
}

// remember takes over from the former credential, which may be nil, what was done about refusals.
func (c *credential) remember(former *credential) {
	if former != nil {
		c.Asked, c.Asks, c.Forced, c.Forces = former.Asked, former.Asks, former.Forced, former.Forces
	}
}

// apart is how long after one refusal another has nothing to do with it.
const apart = 4 * mostPause

// countAsk counts that WeChat is asked because of a refusal.
func (c *credential) countAsk(now time.Time) {
	if !now.Before(c.Asked.Add(apart)) {
		c.Asks = 0
	}
	c.Asked, c.Asks = now, c.Asks+1
}

// countForce counts that another one is to be forced. What is a day apart is not in a row.
func (c *credential) countForce(now time.Time) {
	if !now.Before(c.Forced.Add(24 * time.Hour)) {
		c.Forces = 0
	}
	c.Forced, c.Forces = now, c.Forces+1
}

// doubled returns d doubled n times, at most most.
func doubled(d time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 0 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}

// isCredential reports whether text can be a token or a ticket: WeChat wants room for 512 characters, and has made them
// longer before.
func isCredential(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return 0 < len(text) && len(text) <= 2048
}
