package profile

import (
	"strconv"
	"strings"
	"time"
)

// profile is what a refresh brings. The zero profile is none.
type profile struct {
	nickname, avatar string
	at               time.Time // to the second
}

// text is what other instances read.
func (p profile) text() string {
	return strconv.FormatInt(p.at.Unix(), 10) + "\n" + p.avatar + "\n" + p.nickname
}

// parseProfile reads what text makes, the zero profile of anything else.
func parseProfile(text string) profile {
	parts := strings.SplitN(text, "\n", 3)
	if len(parts) != 3 {
		return profile{}
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return profile{}
	}
	return profile{avatar: parts[1], nickname: parts[2], at: time.Unix(at, 0)}
}
