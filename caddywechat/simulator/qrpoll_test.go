package simulator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bubble is a simulator in a bubble of time, asked without a network.
type bubble struct {
	*testing.T
	sim *Simulator
}

func inBubble(t *testing.T, test func(*bubble)) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		test(&bubble{t, sim})
	})
}

// polling polls, and returns where the answer will come.
func (h *bubble) polling(uuid, more string) <-chan string {
	answer := make(chan string, 1)
	go func() { answer <- h.get(qrPollPath + "?uuid=" + uuid + more) }()
	synctest.Wait()
	return answer
}

func (h *bubble) wantSilence(answer <-chan string) {
	h.Helper()
	synctest.Wait()
	select {
	case early := <-answer:
		h.Errorf("answered %s too early", early)
	default:
	}
}

func (h *bubble) wantNow(answer <-chan string, want string) {
	h.Helper()
	synctest.Wait()
	select {
	case got := <-answer:
		if !strings.HasPrefix(got, "window.wx_errcode="+want+";") {
			h.Errorf("got %s, want %s", got, want)
		}
	default:
		h.Errorf("no answer, want %s", want)
	}
}

func TestQRPoll_IsHeldUntilTheStatusChanges(t *testing.T) {
	t.Parallel()
	inBubble(t, func(h *bubble) {
		req, _ := h.sim.checkQRConnect(qrQuery())
		uuid := h.sim.startQRLogin(req)

		start := time.Now()
		got := h.get(qrPollPath + "?uuid=" + uuid)
		if !strings.HasPrefix(got, "window.wx_errcode=408;window.wx_code='';") || time.Since(start) != maxPoll {
			t.Errorf("got %s after %v", got, time.Since(start))
		}

		first := h.polling(uuid, "")
		h.get(confirmPath + "?uuid=" + uuid)
		h.wantNow(first, "404")

		known := h.polling(uuid, "&last=404")
		h.wantSilence(known)
		time.Sleep(maxPoll)
		h.wantNow(known, "408")

		last := h.polling(uuid, "&last=404")
		other := h.polling(uuid, "&last=404")
		h.wantSilence(last)
		h.sim.confirmQRLogin(uuid, Person{ID: "emma"})
		synctest.Wait()
		answers := []string{<-last, <-other}
		both := strings.Join(answers, "")
		if strings.Count(both, "wx_errcode=405;") != 1 || strings.Count(both, "wx_errcode=402;") != 1 {
			t.Errorf("two polls got %q", answers)
		}
	})
}

func TestQRPoll_ReturnsAtExpiryRefusalResetAndClose(t *testing.T) {
	t.Parallel()
	inBubble(t, func(h *bubble) {
		uuid := h.sim.startQRLogin(authorizationRequest{})
		time.Sleep(qrCodeLifetime - time.Second)
		answer := h.polling(uuid, "")
		h.wantSilence(answer)
		time.Sleep(time.Second)
		h.wantNow(answer, "402")

		refused := h.sim.startQRLogin(authorizationRequest{})
		answer = h.polling(refused, "")
		h.sim.refuseQRLogin(refused)
		h.wantNow(answer, "403")

		answer = h.polling(h.sim.startQRLogin(authorizationRequest{}), "")
		h.sim.Reset()
		h.wantNow(answer, "408")
		h.wantNow(h.polling(refused, ""), "402")

		answer = h.polling(h.sim.startQRLogin(authorizationRequest{}), "&last=404")
		h.sim.Close()
		h.wantNow(answer, "408")
	})
}
