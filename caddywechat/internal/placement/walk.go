package placement

import "maps"

// state is what is known of a request at some point of its way.
type state struct {
	request Request
	groups  map[string]Known // whether a route of the group was taken
}

// matches reports whether the request takes a route.
func (s state) matches(route *Route) Known {
	known := matchesAny(route.Sets, s.request)
	if route.Group != "" {
		known = min(known, Yes-s.groups[route.Group])
	}
	return known
}

// inside returns the state of a request that took a route.
func (s state) inside(route *Route) state {
	if route.Group != "" {
		s.groups = maps.Clone(s.groups)
		if s.groups == nil {
			s.groups = make(map[string]Known)
		}
		s.groups[route.Group] = Yes
	}
	return s
}

// or returns what is known of a request in one state or another.
func (s state) or(other state) state {
	if s.request.Path != other.request.Path {
		s.request.Path = ""
	}
	if s.request.Method != other.request.Method {
		s.request.Method = ""
	}
	groups := make(map[string]Known, len(other.groups))
	for _, m := range []map[string]Known{s.groups, other.groups} {
		for group := range m {
			if groups[group] = s.groups[group]; groups[group] != other.groups[group] {
				groups[group] = Maybe
			}
		}
	}
	s.groups = groups
	return s
}

// walk goes every way that a request could go.
type walk struct {
	gates     []*Gate           // that it could come to
	reached   map[*Gate]bool    // the same
	answerers map[*Handler]bool // that could answer it
	hidden    bool              // there could be another gate on the way
	answerer  *Handler          // what answers it for certain, where it comes so far
	// blocked are the gates behind a handler that answers every request that comes so far.
	blocked map[*Gate]*Handler
}

// walkFor goes every way of a request. With no path it is about every path, and a fallback answers all that comes.
func walkFor(request Request, routes ...[]*Route) *walk {
	w := &walk{reached: make(map[*Gate]bool), answerers: make(map[*Handler]bool), blocked: make(map[*Gate]*Handler)}
	for _, list := range routes {
		if _, answerer := w.list(list, state{request: request}, request.Path == ""); w.answerer == nil {
			w.answerer = answerer
		}
	}
	return w
}

// list goes through routes. It returns the state behind them, and what keeps every request from getting there, nil if
// nothing does.
func (w *walk) list(routes []*Route, s state, everyPath bool) (state, *Handler) {
	for i, route := range routes {
		known := s.matches(route)
		if everyPath && route.IsFallback {
			known = Yes
		}
		if known == No {
			continue
		}
		after, answerer := w.handlers(route.Handlers, s.inside(route), everyPath)
		switch {
		case known == Yes && answerer != nil:
			if !route.Terminal || len(route.Sets) == 0 { // what is behind a site is another's
				w.markBlocked(gatesIn(routes[i+1:]), answerer)
			}
			return s, answerer
		case known == Yes && route.Terminal:
			return s, &Handler{Name: route.Name, Does: Redirects} // an empty answer opens nothing either
		case known == Yes:
			s = after
		case answerer == nil && !route.Terminal:
			s = s.or(after)
		}
	}
	return s, nil
}

// handlers is list for the handlers of a route.
func (w *walk) handlers(handlers []*Handler, s state, everyPath bool) (state, *Handler) {
	for i, h := range handlers {
		var answerer *Handler
		switch h.Does {
		case Answers, Redirects:
			w.answerers[h] = true
			answerer = h
		case MayAnswer:
			w.answerers[h] = true
			w.hidden = w.hidden || h.HidesGate
		case Rewrites:
			s.request.Path, s.request.Method = "", ""
		case IsGate:
			if !w.reached[h.Gate] {
				w.reached[h.Gate] = true
				w.gates = append(w.gates, h.Gate)
			}
		case HasRoutes:
			before := s
			s, answerer = w.list(h.Routes, s, everyPath)
			if len(h.Errors) > 0 { // whichever handler fails
				before.request.Path, before.request.Method = "", ""
				failed, _ := w.list(h.Errors, before, everyPath)
				s, answerer = before.or(s).or(failed), nil
			}
		}
		if answerer != nil {
			w.markBlocked(gatesAmong(handlers[i+1:]), answerer)
			return s, answerer
		}
	}
	return s, nil
}

// markBlocked remembers that nothing comes to gates. Redirects open nothing: a site that sends everybody elsewhere may
// have a gate that it does not need.
func (w *walk) markBlocked(gates []*Gate, answerer *Handler) {
	if answerer.Does == Redirects {
		return
	}
	for _, g := range gates {
		if w.blocked[g] == nil {
			w.blocked[g] = answerer
		}
	}
}
