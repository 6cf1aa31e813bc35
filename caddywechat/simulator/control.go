package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// controls are the addresses by which a developer, or a test in any language, looks at the simulator and changes it.
func (s *Simulator) controls() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		"POST /simulator/reset": s.postReset,

		"GET /simulator/quirks":    s.getQuirks,
		"PATCH /simulator/quirks":  s.patchQuirks,
		"DELETE /simulator/quirks": s.deleteQuirks,

		"GET /simulator/faults":    s.listFaults,
		"POST /simulator/faults":   s.postFault,
		"DELETE /simulator/faults": s.deleteFaults,

		"GET /simulator/people":                         s.listPeople,
		"POST /simulator/people":                        s.postPerson,
		"DELETE /simulator/people/{id}":                 s.deletePerson,
		"PUT /simulator/followers/{app_id}/{person}":    s.putFollower,
		"DELETE /simulator/followers/{app_id}/{person}": s.deleteFollower,

		"GET /simulator/holder": s.getHolder,
		"PUT /simulator/holder": s.putHolder,

		"POST /simulator/mini_program/login":     s.postMiniProgramLogin,
		"POST /simulator/mini_program/phone":     s.postMiniProgramPhone,
		"POST /simulator/mini_program/user_info": s.postMiniProgramUserInfo,
		"POST /simulator/mobile_app/login":       s.postMobileAppLogin,

		"GET /simulator/calls":    s.listCalls,
		"DELETE /simulator/calls": s.deleteCalls,
	}
}

func (s *Simulator) addControls(mux *http.ServeMux) {
	controls := s.controls()
	for pattern, handle := range controls {
		mux.Handle(pattern, s.control(handle))
	}
	possible := strings.Join(slices.Sorted(maps.Keys(controls)), ", ")
	mux.HandleFunc("/simulator/", func(w http.ResponseWriter, r *http.Request) {
		reason := fmt.Sprintf("there is no %s %s: there are %s", r.Method, r.URL.Path, possible)
		refuseControl(w, http.StatusNotFound, reason)
	})
}

// control serves a control call: what handle returns as JSON, 204 for nothing, 400 for an error.
func (s *Simulator) control(handle func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.knowsHost(r) {
			refuseControl(w, http.StatusForbidden, translate("en", "hints", "host", unknownHost(r).values...))
			return
		}
		if !sameOrigin(r) {
			refuseControl(w, http.StatusForbidden, "control calls from other sites are refused")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		result, err := handle(r)
		switch {
		case err != nil:
			refuseControl(w, http.StatusBadRequest, err.Error())
		case result == nil:
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPost:
			writeJSON(w, http.StatusCreated, result)
		default:
			writeJSON(w, http.StatusOK, result)
		}
	})
}

func refuseControl(w http.ResponseWriter, status int, reason string) {
	writeJSON(w, status, map[string]string{"error": reason})
}

func (s *Simulator) postReset(*http.Request) (any, error) {
	s.Reset()
	return nil, nil
}
