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
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

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

// Run shows the demo on the given port of the loopback interface, or on another if that one is busy, until ctx ends. It
// tells on out what a person needs to know.
func Run(ctx context.Context, port int, out io.Writer) error {
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
	simListener, err := listen(simulatorPort, out)
	if err != nil {
		return err
	}
	defer serve(simListener, sim)()
	appListener, err := listen(0, out)
	if err != nil {
		return err
	}
	defer serve(appListener, app{})()

	// Caddy opens its ports itself; until it does nobody else may take them.
	port, err = freePort(port, out)
	if err != nil {
		return err
	}
	family, err := freePort(familyPort, out)
	if err != nil {
		return err
	}
	config, err := adapt(map[string]string{
		"DEMO_STORAGE":            storage,
		"DEMO_PORT":               strconv.Itoa(port),
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
		"DEMO_PLATFORM":           "http://" + simListener.Addr().String(),
		"DEMO_APP":                appListener.Addr().String(),
	})
	if err != nil {
		return err
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting Caddy: %w", err)
	}
	fmt.Fprintf(out, "\n  An app behind WeChat login is at  http://localhost:%d\n"+
		"  微信登录演示：用任意浏览器打开上面的网址即可\n\n"+
		"  As browsers outside WeChat see it:  http://localhost:%d\n"+
		"  微信以外的浏览器：扫码登录、企业微信登录\n\n"+
		"  The WeChat that it asks is a simulator, at http://%s/simulator/\n"+
		"  Ctrl-C ends everything. 按 Ctrl-C 结束。\n\n", port, family, simListener.Addr())
	<-ctx.Done()
	if err := caddy.Stop(); err != nil {
		return fmt.Errorf("stopping Caddy: %w", err)
	}
	return nil
}

// adapt returns Caddy's configuration from the demo's Caddyfile.
func adapt(values map[string]string) ([]byte, error) {
	text := caddyfile
	for name, value := range values {
		text = strings.ReplaceAll(text, "{$"+name+"}", value)
	}
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

// listen opens a port of the loopback interface, any if that one is busy or 0.
func listen(port int, out io.Writer) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil && port != 0 {
		if l, err = listen(0, out); err == nil {
			fmt.Fprintf(out, "  Port %d is busy, taking %d instead.\n", port, l.Addr().(*net.TCPAddr).Port)
		}
		return l, err
	}
	if err != nil {
		return nil, fmt.Errorf("opening a port of this machine: %w", err)
	}
	return l, nil
}

// freePort returns a port that nobody listens on, the given one if possible.
func freePort(port int, out io.Writer) (int, error) {
	l, err := listen(port, out)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// serve answers what comes to l, and returns what ends that.
func serve(l net.Listener, handler http.Handler) (stop func()) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	return func() { server.Close() }
}
