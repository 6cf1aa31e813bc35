package caddywechat

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pinned is for answers of the module itself, whose headers nothing of the site's changes any more.
type pinned struct{ http.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w pinned) WriteHeader(status int) {
	pinHeaders(w.ResponseWriter, pinnedHeaders...)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w pinned) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// pinnedHeaders are what a site's `header` directive does not change in an answer where we set them: a redirect to a
// login that a browser keeps leads in circles, and a page under another policy than its own has no style.
var pinnedHeaders = []string{
	"Cache-Control", "Content-Security-Policy", "Content-Type", "Location",
	"Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options",
}

// cacheHeaders are what some caches heed more than Cache-Control, beside those that end in CDN-Cache-Control.
var cacheHeaders = []string{"Surrogate-Control", "Edge-Control", "X-Accel-Expires", "Expires"}

// pinHeaders makes headers that w has by now, and Vary, outlast those of the site that come late: Caddy's `header`
// directive changes them while they are written, as soon as it removes one or is told to defer. Others of the site's
// stay.
func pinHeaders(w http.ResponseWriter, names ...string) {
	pinned, vary := make(http.Header, len(names)), slices.Clone(w.Header()["Vary"])
	for _, name := range names {
		if values := w.Header()[name]; len(values) > 0 {
			pinned[name] = values
		}
	}
	pin := func(h http.Header) {
		for name, values := range pinned {
			h[name] = values
		}
		for _, value := range vary {
			if !slices.Contains(h["Vary"], value) {
				h.Add("Vary", value)
			}
		}
		for name := range h {
			if strings.HasSuffix(name, "Cdn-Cache-Control") || slices.Contains(cacheHeaders, name) {
				delete(h, name)
			}
		}
	}
	pin(w.Header())
	if outermost := outermostWrapper(w); outermost != nil {
		outermost.ResponseWriter = &pinningWriter{
			ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: outermost.ResponseWriter}, pin: pin,
		}
	}
}

// pinningWriter is the last that sees the headers of an answer before they are sent.
type pinningWriter struct {
	*caddyhttp.ResponseWriterWrapper
	pin func(http.Header)
}

func (w *pinningWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.pin(w.Header())
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

// outermostWrapper returns of all that is wrapped around the server's own writer what lies next to it, nil where
// nothing is. Caddy's handlers put the one in the other by an exported field of types that are not.
func outermostWrapper(w http.ResponseWriter) (outermost *caddyhttp.ResponseWriterWrapper) {
	for w != nil {
		if found := wrapperIn(w); found != nil {
			outermost = found
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = wrapper.Unwrap()
	}
	return outermost
}

func wrapperIn(w http.ResponseWriter) *caddyhttp.ResponseWriterWrapper {
	value := reflect.Indirect(reflect.ValueOf(w))
	if value.Kind() != reflect.Struct {
		return nil
	}
	field := value.FieldByName("ResponseWriterWrapper")
	if !field.IsValid() || !field.CanInterface() {
		return nil
	}
	wrapper, _ := field.Interface().(*caddyhttp.ResponseWriterWrapper)
	return wrapper
}
