package weixin

import "time"

// grant is a secret that WeChat gave for a while: an access token or a ticket.
type grant struct {
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
	// spare is how long before its end a grant counts as over: clocks differ, and a call takes its time.
	spare = time.Minute
	// leastUse is how long a grant is used at least, unless its life is shorter: WeCom may give the same one up to its end.
	leastUse = 30 * time.Second
	// mostSkew is how much later than here it may be where a grant was fetched.
	mostSkew = 5 * time.Minute
	// longestLife is the longest that WeChat is believed.
	longestLife = 24 * time.Hour

	// WeChat gives another access token only in the last five minutes of the former one, which stays valid to its end. So
	// each instance renews at a moment of its own between these two before the end, and the first one does it for all.
	earliestRenewal = 4*time.Minute + 30*time.Second
	latestRenewal   = 2 * time.Minute
	// renewalPause is the least time between two calls for a renewal, where WeChat gives what it gave before.
	renewalPause = time.Minute
)

// isUsable reports whether the grant is good for a call. A nil one is not.
func (g *grant) isUsable(now time.Time) bool {
	if g == nil || g.Fetched.Sub(now) > mostSkew {
		return false
	}
	return now.Before(g.End.Add(-spare)) || now.Before(g.Fetched.Add(leastUse)) && now.Before(g.End)
}

// isDue reports whether it is time to look for another one, so long before the end.
func (g *grant) isDue(now time.Time, ahead time.Duration) bool {
	due := g.End.Add(-ahead)
	if pause := g.Fetched.Add(renewalPause); due.Before(pause) {
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

func (g *grant) askPause() time.Duration { return doubled(leastPause, g.Asks-1, mostPause) }

func (g *grant) forcePause() time.Duration {
	return doubled(leastForcePause, g.Forces-1, mostForcePause)
}

// mayBeAskedFor reports whether WeChat may be asked what the latest one is, since this one was refused.
func (g *grant) mayBeAskedFor(now time.Time) bool {
	return g.Asks == 0 || !now.Before(g.Asked.Add(g.askPause()))
}

// mayBeForced reports whether another one may be forced in place of the latest.
func (g *grant) mayBeForced(now time.Time) bool {
	return g.Forces == 0 || !now.Before(g.Forced.Add(g.forcePause()))
}

// remember takes over from the former grant, which may be nil, what was done about refusals.
func (g *grant) remember(former *grant) {
	if former != nil {
		g.Asked, g.Asks, g.Forced, g.Forces = former.Asked, former.Asks, former.Forced, former.Forces
	}
}

// apart is how long after one refusal another has nothing to do with it.
const apart = 4 * mostPause

// noteAsked counts that WeChat is asked because of a refusal.
func (g *grant) noteAsked(now time.Time) {
	if !now.Before(g.Asked.Add(apart)) {
		g.Asks = 0
	}
	g.Asked, g.Asks = now, g.Asks+1
}

// noteForced counts that another one is to be forced. What is a day apart is not in a row.
func (g *grant) noteForced(now time.Time) {
	if !now.Before(g.Forced.Add(24 * time.Hour)) {
		g.Forces = 0
	}
	g.Forced, g.Forces = now, g.Forces+1
}

// doubled returns d doubled n times, at most most.
func doubled(d time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 0 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}

// isGrantable reports whether text can be a token or a ticket: WeChat wants room for 512 characters, and has made them
// longer before.
func isGrantable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return 0 < len(text) && len(text) <= 2048
}
