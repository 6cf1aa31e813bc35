package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"
)

// addControl adds what isn't WeChat's: the addresses under /simulator/ by which a developer or a test in another
// language looks at the simulator and changes it.
func (s *Simulator) addControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /simulator", func(w http.ResponseWriter, _ *http.Request) {
		redirect(http.StatusFound, "simulator/", "").write(w)
	})
	mux.HandleFunc("GET /simulator/{$}", s.overview)
	mux.HandleFunc("POST /simulator/{$}", s.takePhone)

	mux.Handle("GET /simulator/faults", s.control(s.listFaults))
	mux.Handle("POST /simulator/faults", s.control(s.postFault))
	mux.Handle("DELETE /simulator/faults", s.control(s.deleteFaults))
	mux.Handle("GET /simulator/calls", s.control(s.listCalls))
	mux.Handle("DELETE /simulator/calls", s.control(s.deleteCalls))
	mux.Handle("GET /simulator/holder", s.control(s.getHolder))
	mux.Handle("PUT /simulator/holder", s.control(s.putHolder))
}

// control serves a control call: what handle returns as JSON, 204 for nothing, 400 for an error.
func (s *Simulator) control(handle func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sameOrigin(r) {
			writeJSON(w, http.StatusForbidden, map[string]string{"error": "control calls from other sites are refused"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		result, err := handle(r)
		switch {
		case err != nil:
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
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

// faultJSON is a Fault as control calls write it. Delays are like "1.5s".
type faultJSON struct {
	Path    string    `json:"path"`
	Kind    FaultKind `json:"kind"`
	Delay   string    `json:"delay,omitempty"`
	Status  int       `json:"status,omitempty"`
	Errcode int       `json:"errcode,omitempty"`
	Bytes   int       `json:"bytes,omitempty"`
	Consume bool      `json:"consume,omitempty"`
	Times   int       `json:"times,omitempty"`
}

func (f Fault) json() faultJSON {
	delay := ""
	if f.Delay != 0 {
		delay = f.Delay.String()
	}
	return faultJSON{f.Path, f.Kind, delay, f.Status, f.Errcode, f.Bytes, f.Consume, f.Times}
}

func (f faultJSON) fault() (Fault, error) {
	var delay time.Duration
	if f.Delay != "" {
		var err error
		if delay, err = time.ParseDuration(f.Delay); err != nil {
			return Fault{}, fmt.Errorf("fault delay: %w", err)
		}
	}
	return Fault{f.Path, f.Kind, delay, f.Status, f.Errcode, f.Bytes, f.Consume, f.Times}, nil
}

func (s *Simulator) listFaults(*http.Request) (any, error) {
	list := []faultJSON{}
	for _, fault := range s.Faults() {
		list = append(list, fault.json())
	}
	return map[string]any{"faults": list}, nil
}

func (s *Simulator) postFault(r *http.Request) (any, error) {
	var wanted faultJSON
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	fault, err := wanted.fault()
	if err != nil {
		return nil, err
	}
	if fault, err = s.addFault(fault); err != nil {
		return nil, err
	}
	return fault.json(), nil
}

func (s *Simulator) deleteFaults(*http.Request) (any, error) {
	s.ClearFaults()
	return nil, nil
}

func (s *Simulator) listCalls(*http.Request) (any, error) {
	calls := s.Journal()
	if calls == nil {
		calls = []Call{}
	}
	s.mu.Lock()
	counts := maps.Clone(s.journal.counts)
	s.mu.Unlock()
	return map[string]any{"counts": counts, "calls": calls}, nil
}

func (s *Simulator) deleteCalls(*http.Request) (any, error) {
	s.ClearJournal()
	return nil, nil
}

type holderJSON struct {
	Person string `json:"person"`
}

func (s *Simulator) getHolder(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return holderJSON{s.holder}, nil
}

func (s *Simulator) putHolder(r *http.Request) (any, error) {
	var wanted holderJSON
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	if err := s.Hold(wanted.Person); err != nil {
		return nil, err
	}
	return wanted, nil
}

// readJSON is strict: a misspelt name would otherwise be a fault that never happens.
func readJSON(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("the body is not the JSON wanted here: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the body has something after the JSON object")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // only our own types come here
	}
	newAnswer("application/json", string(body)+"\n", "").withStatus(status).write(w)
}
