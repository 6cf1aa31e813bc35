package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// userInfoPath is where servers ask about followers.
const userInfoPath = "/cgi-bin/user/info"

// follower is somebody who follows an official account.
type follower struct{ appID, personID string }

// Follow makes somebody a follower of an official account, or of several. Nobody is one at the start. It fails if there
// is no such person or account.
func (s *Simulator) Follow(personID string, appIDs ...string) error {
	return s.setFollows(personID, appIDs, true)
}

// Unfollow undoes [Simulator.Follow].
func (s *Simulator) Unfollow(personID string, appIDs ...string) error {
	return s.setFollows(personID, appIDs, false)
}

func (s *Simulator) setFollows(personID string, appIDs []string, follows bool) error {
	for _, appID := range appIDs {
		if account, ok := s.account(appID); !ok || account.Kind != kindOfficial {
			return fmt.Errorf("nobody can follow %q: it is no official account", appID)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.state.person(personID); !ok {
		return fmt.Errorf("there is no person %q", personID)
	}
	for _, appID := range appIDs {
		if one := (follower{appID, personID}); follows && s.followers[one].IsZero() {
			s.followers[one] = s.config.Now()
		} else if !follows {
			delete(s.followers, one)
		}
	}
	return nil
}

// userInfo is GET /cgi-bin/user/info: whether somebody follows the account, and of followers more. Nickname and picture
// are gone since 2021-12-27. Source: api_userinfo.
func (s *Simulator) userInfo(r *http.Request) response {
	query := r.URL.Query()
	appID, errcode := s.ownerOf(query.Get("access_token"), isOfficialAccount, 40001)
	if errcode != 0 {
		return s.refuse(errcode)
	}
	account, _ := s.account(appID)
	if account.Kind != kindOfficial {
		return s.refuse(48001)
	}
	s.mu.Lock()
	everybody := s.everybody()
	i := slices.IndexFunc(everybody, func(p Person) bool { return OpenID(appID, p.ID) == query.Get("openid") })
	var since time.Time
	if i >= 0 {
		since = s.followers[follower{appID, everybody[i].ID}]
	}
	s.mu.Unlock()
	switch {
	case i < 0:
		return s.refuse(40003)
	case since.IsZero():
		return serverResponse(fields{{"subscribe", 0}, {"openid", query.Get("openid")}})
	}
	f := fields{
		{"subscribe", 1},
		{"openid", query.Get("openid")},
		{"nickname", ""},
		{"sex", 0},
		{"language", "zh_CN"},
		{"city", ""},
		{"province", ""},
		{"country", ""},
		{"headimgurl", ""},
		{"subscribe_time", since.Unix()},
	}
	if account.OpenPlatform != "" {
		f = append(f, field{"unionid", UnionID(account.OpenPlatform, everybody[i].ID)})
	}
	return serverResponse(append(f, fields{
		{"remark", ""},
		{"groupid", 0},
		{"tagid_list", []int{}},
		{"subscribe_scene", "ADD_SCENE_SEARCH"},
		{"qr_scene", 0},
		{"qr_scene_str", ""},
	}...))
}

// putFollower and deleteFollower are the control calls.
func (s *Simulator) putFollower(r *http.Request) (any, error) {
	return nil, s.Follow(r.PathValue("person"), r.PathValue("app_id"))
}

func (s *Simulator) deleteFollower(r *http.Request) (any, error) {
	return nil, s.Unfollow(r.PathValue("person"), r.PathValue("app_id"))
}
