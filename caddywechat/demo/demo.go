// Package demo shows the module at work on one machine: Caddy, the simulator, and a small app behind them.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/listening"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

//go:embed Caddyfile
var caddyfile string

// Ports that the demo takes unless they are busy.
const (
	DefaultPort   = 8080 // what a visitor opens
	familyPort    = 8082 // what browsers outside WeChat and programs open
	simulatorPort = 9090
)

// Options say where the demo is shown.
type Options struct {
	// Port is that of the app. If it is busy, another is taken.
	Port int

	// Listen is the address to listen at, so that a phone in the same network can open it: one of this machine's in a
	// private network, or 0.0.0.0 for all of them; perhaps with the app's port. Empty: only this machine can.
	Listen string
}

// Run shows the demo until ctx ends. It tells on out what a person needs to know.
func Run(ctx context.Context, options Options, out io.Writer) error {
	p, err := findPlace(options.Listen, options.Port)
	if err != nil {
		return err
	}
	storage, err := os.MkdirTemp("", "caddywechat-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer os.RemoveAll(storage)

	sim, err := simulator.New(simulator.Config{Choose: true, AnyBrowser: true})
	if err != nil {
		return fmt.Errorf("starting the simulator: %w", err)
	}
	defer sim.Close()
	simListener, err := listen(p.bind, simulatorPort, out)
	if err != nil {
		return err
	}
	defer serve(simListener, sim)()
	// Nobody gets to the app but through Caddy.
	appListener, err := listen(here.bind, 0, out)
	if err != nil {
		return err
	}
	defer serve(appListener, app{})()

	// Caddy opens its ports itself; until it does nobody else may take them.
	if p.port, err = freePort(p.bind, p.port, out); err != nil {
		return err
	}
	family, err := freePort(p.bind, familyPort, out)
	if err != nil {
		return err
	}
	config, err := adapt(map[string]string{
		"DEMO_STORAGE":            storage,
		"DEMO_BIND":               bracketed(p.bind),
		"DEMO_HOST":               p.site,
		"DEMO_PORT":               strconv.Itoa(p.port),
		"DEMO_FAMILY_PORT":        strconv.Itoa(family),
		"DEMO_APP_ID":             simulator.DemoAppID,
		"DEMO_APP_SECRET":         simulator.DemoSecret,
		"DEMO_WEBSITE_APP_ID":     simulator.DemoWebsiteAppID,
		"DEMO_WEBSITE_APP_SECRET": simulator.DemoWebsiteSecret,
		"DEMO_CORP_ID":            simulator.DemoCorpID,
		"DEMO_AGENT_ID":           strconv.Itoa(simulator.DemoAgentID),
		"DEMO_WECOM_SECRET":       simulator.DemoWeComSecret,
		"DEMO_MINI_APP_ID":        simulator.DemoMiniProgramAppID,
		"DEMO_MINI_APP_SECRET":    simulator.DemoMiniProgramSecret,
		"DEMO_MOBILE_APP_ID":      simulator.DemoMobileAppID,
		"DEMO_MOBILE_APP_SECRET":  simulator.DemoMobileAppSecret,
		"DEMO_PLATFORM":           fmt.Sprintf("http://%s:%d", p.simulatorHost(), portOf(simListener)),
		"DEMO_APP":                appListener.Addr().String(),
	})
	if err != nil {
		return err
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting Caddy: %w", err)
	}
	p.tell(out, family, portOf(simListener))
	<-ctx.Done()
	if err := caddy.Stop(); err != nil {
		return fmt.Errorf("stopping Caddy: %w", err)
	}
	return nil
}

// variable is one of the demo's Caddyfile, perhaps with what stands there otherwise.
var variable = regexp.MustCompile(`\{\$(\w+)(?::[^}]*)?\}`)

// adapt returns Caddy's configuration from the demo's Caddyfile.
func adapt(values map[string]string) ([]byte, error) {
	text := variable.ReplaceAllStringFunc(caddyfile, func(found string) string {
		return values[variable.FindStringSubmatch(found)[1]]
	})
	adapter := caddyconfig.GetAdapter("caddyfile")
	if adapter == nil {
		return nil, errors.New("this build of Caddy has no Caddyfile adapter")
	}
	config, _, err := adapter.Adapt([]byte(text), map[string]any{"filename": "Caddyfile of the demo"})
	if err != nil {
		return nil, fmt.Errorf("reading the demo's Caddyfile: %w", err)
	}
	return config, nil
}

// listen opens a port of an address of this machine, any if that one is busy or 0.
func listen(at netip.Addr, port int, out io.Writer) (net.Listener, error) {
	l, err := listening.Listen(netip.AddrPortFrom(at, uint16(port)).String())
	var taken *listening.TakenError
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is no address of this machine: write %s", at, suggestions())
	case errors.As(err, &taken):
	case err != nil:
		return nil, fmt.Errorf("%w; choose another port by --port", err)
	default:
		return l, nil
	}
	if l, err = listen(at, 0, out); err == nil {
		fmt.Fprintf(out, "  Port %d is busy, taking %d instead. It is taken by %s.\n", port, portOf(l), taken.By)
	}
	return l, err
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// freePort returns a port that nobody listens on, the given one if possible.
func freePort(at netip.Addr, port int, out io.Writer) (int, error) {
	l, err := listen(at, port, out)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return portOf(l), nil
}

// serve answers what comes to l, and returns what ends that.
func serve(l net.Listener, handler http.Handler) (stop func()) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	return func() { server.Close() }
}
