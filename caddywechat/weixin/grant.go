package weixin

import "time"

// grant is a secret that WeChat gave for a while: an access token or a ticket.
type grant struct {
	Secret  string    `json:"secret"`
	Fetched time.Time `json:"fetched"` // by the clock of the instance that asked
	End     time.Time `json:"end"`

	// Replacements is how many in a row, with this one, were fetched because a former one was refused.
	Replacements int `json:"replacements,omitempty"`
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

// WeChat refreshes a token by force at most every 30 s and 20 times a day. Where refusals go on after that, the cause is
// another one.
const (
	leastReplacement = 30 * time.Second
	mostReplacement  = 10 * time.Minute
)

// replacementPause is how long a grant that replaced another one is not replaced itself.
func (g *grant) replacementPause() time.Duration {
	return doubled(leastReplacement, g.Replacements-1, mostReplacement)
}

// mayBeReplaced reports whether another one may be asked for in place of this one, which was refused.
func (g *grant) mayBeReplaced(now time.Time) bool {
	return g.Replacements == 0 || !now.Before(g.Fetched.Add(g.replacementPause()))
}

// nextReplacement returns the number of the replacement that is made now: refusals that are far apart are not in a row.
func (g *grant) nextReplacement(now time.Time) int {
	if g == nil || g.Replacements == 0 || !now.Before(g.Fetched.Add(4*g.replacementPause())) {
		return 1
	}
	return g.Replacements + 1
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
