package placement

// chain is the way that a request goes for certain: that of somebody whom every gate lets through.
type chain struct {
	received Request // before anything rewrote it, which is what gates look at
	gates    []*Gate
}

// chainFor follows a request as long as its way is certain.
func chainFor(request Request, routes []*Route) []*Gate {
	c := &chain{received: request}
	c.list(routes, &state{request: request})
	return c.gates
}

// list goes through routes, and reports whether the request certainly gets behind them.
func (c *chain) list(routes []*Route, s *state) bool {
	for _, route := range routes {
		switch s.matches(route) {
		case Yes:
			*s = s.inside(route)
			if !c.handlers(route.Handlers, s) || route.Terminal {
				return false
			}
		case Maybe:
			if !route.isTransparent() {
				return false
			}
			if route.Group != "" {
				*s = s.or(s.inside(route))
			}
		}
	}
	return true
}

func (c *chain) handlers(handlers []*Handler, s *state) bool {
	for _, h := range handlers {
		switch h.Does {
		case PassesOn:
		case Rewrites:
			s.request.Path, s.request.Method = "", ""
		case HasRoutes:
			if !c.list(h.Routes, s) {
				return false
			}
		case IsGate:
			c.gates = append(c.gates, h.Gate)
			if h.Gate.answers(c.received.Path) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// isTransparent reports whether a request that does not match a route goes on as if it were not there, and one that
// matches goes on as well, or is sent to another address.
func (r *Route) isTransparent() bool {
	for _, h := range r.Handlers {
		if h.Does != PassesOn && h.Does != Redirects {
			return false
		}
	}
	return true
}
