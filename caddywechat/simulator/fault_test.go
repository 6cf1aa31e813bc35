package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (h *harness) fault(f Fault) {
	h.Helper()
	if err := h.sim.Fault(f); err != nil {
		h.Fatal(err)
	}
}

func TestFault_ReplacesTheResponse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault  Fault
		status int
		body   string // contained
	}{
		{Fault{Kind: FaultDelay, Delay: time.Millisecond}, 200, `"access_token":"61_`},
		{Fault{Kind: FaultStatus}, 503, "503 Service Unavailable"},
		{Fault{Kind: FaultStatus, Status: 502, Delay: time.Millisecond}, 502, "502 Bad Gateway"},
		{Fault{Kind: FaultHTML}, 200, "<html>"},
		{Fault{Kind: FaultErrcode, Errcode: -1}, 200, `{"errcode":-1,"errmsg":"system error, rid: `},
		{Fault{Kind: FaultErrcode, Errcode: 45011}, 200, "api minute-quota reach limit mustslower retry next minute"},
		{Fault{Kind: FaultErrcode, Errcode: 12345}, 200, `"errcode":12345`},
		{Fault{Kind: FaultEmpty}, 200, ""},
	} {
		h := newHarness(t, Config{})
		test.fault.Path = accessTokenPath
		test.fault.Times = 1
		h.fault(test.fault)
		code := h.silentCode()
		r := h.get(exchangePath(code))
		if r.status != test.status || !strings.Contains(r.body, test.body) ||
			r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%+v: got %d %s", test.fault, r.status, r.body)
		}
		if test.fault.Kind == FaultEmpty && r.body != "" {
			t.Errorf("empty: got %q", r.body)
		}
		if test.fault.Kind == FaultDelay {
			continue
		}
		if h.api(exchangePath(code)).AccessToken == "" {
			t.Errorf("%+v: used up the code, or happened twice", test.fault)
		}
	}
}

func TestFault_ConsumesTheCodeIfTold(t *testing.T) {
	t.Parallel()
	for _, kind := range []FaultKind{FaultErrcode, FaultStatus, FaultEmpty} {
		h := newHarness(t, Config{})
		h.fault(Fault{Path: accessTokenPath, Kind: kind, Errcode: -1, Consume: true, Times: 1})
		code := h.silentCode()
		h.get(exchangePath(code))
		h.wantErrcode(exchangePath(code), 40163)
	}

	h := newHarness(t, Config{})
	h.fault(Fault{Path: accessTokenPath, Kind: FaultDelay, Delay: time.Millisecond, Consume: true})
	if token := h.api(exchangePath(h.silentCode())); token.AccessToken == "" {
		t.Errorf("a late answer is not the right one: %+v", token)
	}
}

func TestFaultOversized_IsValidJSONOfTheLength(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.fault(Fault{Path: userinfoPath, Kind: FaultOversized, Bytes: 100_000})
	r := h.get(userinfoPath)
	if len(r.body) != 100_000 || !json.Valid([]byte(r.body)) {
		t.Errorf("got %d bytes", len(r.body))
	}
}

func TestFaultCut_EndsInTheMiddle(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.fault(Fault{Path: userinfoPath, Kind: FaultCut})
	response, err := http.Get(h.url + userinfoPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestFaultHang_EndsWithTheClientOrClose(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.fault(Fault{Path: userinfoPath, Kind: FaultHang})

	released := make(chan error)
	hang := func(ctx context.Context, calls int) {
		request, err := http.NewRequestWithContext(ctx, "GET", h.url+userinfoPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := http.DefaultClient.Do(request)
			released <- err
		}()
		for h.sim.Calls(userinfoPath) < calls { // a hanging call counts, too
			time.Sleep(time.Millisecond)
		}
	}

	ctx, leave := context.WithCancel(t.Context())
	hang(ctx, 1)
	leave()
	if err := <-released; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}

	hang(t.Context(), 2)
	h.sim.Close()
	h.sim.Close()
	if err := <-released; err == nil {
		t.Error("a hanging call was answered")
	}
}

func TestFault_MeetsPages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.fault(Fault{Path: authorizePath, Kind: FaultStatus, Status: 500, Times: 1})
	h.fault(Fault{Path: authorizePath, Kind: FaultDelay, Delay: time.Millisecond})
	if r := h.get(authorizePath + "?" + authorizeQuery(ScopeBase)); r.status != 500 {
		t.Errorf("got %d", r.status)
	}
	h.silentCode()
}

func TestFault_FollowsOnceTheFormerIsSpent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.fault(Fault{Path: authPath, Kind: FaultErrcode, Errcode: -1, Times: 2})
	h.fault(Fault{Path: authPath, Kind: FaultErrcode, Errcode: 45011})
	for _, want := range []int{-1, -1, 45011, 45011} {
		h.wantErrcode(authPath, want)
	}
	if left := h.sim.Faults(); len(left) != 1 || left[0].Errcode != 45011 {
		t.Errorf("left: %+v", left)
	}
	h.sim.ClearFaults()
	h.wantErrcode(authPath, 41001)
}

func TestFault_MeetsCallsAtItsRate(t *testing.T) {
	t.Parallel()
	chances := []float64{0.9, 0.1, 0.24, 0.25, 0.9, 0.4}
	h := newHarness(t, Config{Random: func() float64 {
		chance := chances[0]
		chances = chances[1:]
		return chance
	}})
	h.fault(Fault{Path: authPath, Kind: FaultErrcode, Errcode: -1, Rate: 0.25})
	for _, want := range []int{41001, -1, -1, 41001} {
		h.wantErrcode(authPath, want)
	}
	h.fault(Fault{Path: authPath, Kind: FaultErrcode, Errcode: 45011, Rate: 0.5, Times: 1})
	h.wantErrcode(authPath, 45011) // spared by the first, met by the second
	if len(chances) != 0 || len(h.sim.Faults()) != 1 {
		t.Errorf("left: %v, %+v", chances, h.sim.Faults())
	}
}

func TestFault_RefusesImpossibleOnes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, fault := range []Fault{
		{},
		{Path: "/sns/oauth2/access-token", Kind: FaultHang},
		{Path: authPath, Kind: "slow"},
		{Path: authPath, Kind: FaultDelay},
		{Path: authPath, Kind: FaultHang, Delay: -1},
		{Path: authPath, Kind: FaultHang, Times: -1},
		{Path: authPath, Kind: FaultStatus, Status: 200},
		{Path: authPath, Kind: FaultErrcode},
		{Path: authorizePath, Kind: FaultErrcode, Errcode: -1},
		{Path: authPath, Kind: FaultOversized, Bytes: 10},
		{Path: authPath, Kind: FaultHang, Rate: -0.1},
		{Path: authPath, Kind: FaultHang, Rate: 1.1},
		{Path: authPath, Kind: FaultHang, Rate: math.NaN()},
	} {
		if h.sim.Fault(fault) == nil {
			t.Errorf("accepted %+v", fault)
		}
	}
	for range maxFaults {
		h.fault(Fault{Path: authPath, Kind: FaultEmpty})
	}
	if h.sim.Fault(Fault{Path: authPath, Kind: FaultEmpty}) == nil {
		t.Error("there is no end of faults")
	}
}
