package problem

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Writer writes the answers of the module itself: problems, pages, JSON and redirects, each with the headers that all
// of them have. It is safe for concurrent use.
type Writer struct {
	Pages  *page.Pages
	Logger *zap.Logger
}

// body is a problem as JSON.
type body struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
	LoginURL  string `json:"login_url,omitempty"`
}

// Problem answers with a problem: a page where the request asks for one, else JSON.
func (a *Writer) Problem(w http.ResponseWriter, r *visitor.Request, p Problem, data page.Data) error {
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if visitor.WantsPage(r.Request) {
		a.Page(w, r, p.Status, p.Page, data)
		return nil
	}
	return a.ToProgram(w, r, p, "")
}

// ToProgram answers with a problem as JSON, and with the address where a login starts, "" for none.
func (a *Writer) ToProgram(w http.ResponseWriter, r *visitor.Request, p Problem, loginURL string) error {
	return a.JSON(w, p.Status, body{Error: p.Word, Message: p.Message, RequestID: r.ID(), LoginURL: loginURL})
}

// Fail answers with a problem that an operator can mend, and logs why. Where the visitor has left that is the reason,
// and nobody's fault.
func (a *Writer) Fail(w http.ResponseWriter, r *visitor.Request, p Problem, err error) error {
	if r.Context().Err() == nil {
		a.Logger.Error("request failed", event.RequestFields(r, zap.Error(err), zap.Int("status", p.Status))...)
	}
	return a.Problem(w, r, p, page.Data{})
}

// RetryAfter tells a client when to come again: in a second at least.
func RetryAfter(h http.Header, wait time.Duration) {
	h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
}

// Page answers with a page.
func (a *Writer) Page(w http.ResponseWriter, r *visitor.Request, status int, name page.Name, data page.Data) {
	data.RequestID = r.ID()
	a.Pages.Write(w, r.Request, status, name, data)
}

// Redirect answers with the bytes of location as they are.
func (a *Writer) Redirect(w http.ResponseWriter, status int, location string) {
	header := w.Header()
	header["Location"] = []string{location}
	header.Set("Referrer-Policy", "no-referrer")
	SetHeaders(header)
	w.WriteHeader(status)
}

// JSON answers with a value as JSON.
func (a *Writer) JSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	SetHeaders(header)
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return err
}

// SetHeaders sets what every answer of the module itself has: it is one browser's, and of this moment.
func SetHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	if !slices.Contains(h["Vary"], "Cookie") {
		h.Add("Vary", "Cookie")
	}
}
