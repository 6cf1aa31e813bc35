package simulator

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// avatarPath is where pictures are, followed by person and size, as in WeChat's own URLs: 0 is the largest.
const avatarPath = "/simulator/avatar/"

var avatarSizes = map[string]int{"0": 640, "46": 46, "64": 64, "96": 96, "132": 132}

var avatarColours = []string{"#4c8dd6", "#d9735a", "#5b9e6f", "#7a6fc4", "#c08a2d", "#3f9aa6"}

// avatarURL returns a person's headimgurl for an app: "" for someone without a picture.
func (s *Simulator) avatarURL(r *http.Request, person Person) string {
	if person.Avatar == "" || isURL(person.Avatar) {
		return person.Avatar
	}
	return s.baseURL(r) + avatarPath + person.ID + "/132"
}

func isURL(avatar string) bool {
	return strings.HasPrefix(avatar, "http://") || strings.HasPrefix(avatar, "https://")
}

// avatar draws a picture: the person's characters on a colour that the neighbours in the list don't have.
func (s *Simulator) avatar(w http.ResponseWriter, r *http.Request) {
	person, found := s.person(r.PathValue("person"))
	size, sized := avatarSizes[r.PathValue("size")]
	if !found || !sized || person.Avatar == "" || isURL(person.Avatar) {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "no such picture", http.StatusNotFound)
		return
	}
	s.mu.Lock()
	position := max(0, slices.Index(s.state.everybody(), person))
	s.mu.Unlock()
	picture := fmt.Sprintf(
		`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[1]d" viewBox="0 0 100 100">`+
			`<rect width="100" height="100" fill="%[2]s"/>`+
			`<text x="50" y="50" dy=".36em" text-anchor="middle" font-size="52" font-family="sans-serif" fill="#fff">`+
			`%[3]s</text></svg>`,
		size, avatarColours[position%len(avatarColours)], template.HTMLEscapeString(person.Avatar))

	a := newResponse("image/svg+xml", picture, "ok")
	a.header.Set("Content-Security-Policy", "default-src 'none'")
	a.header.Set("Content-Length", strconv.Itoa(len(picture)))
	a.write(w)
}
