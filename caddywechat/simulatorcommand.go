package caddywechat

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/listening"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func simulatorCommand() *cobra.Command {
	var (
		listen  string
		account simulator.OfficialAccount
		config  simulator.Config
	)
	cmd := &cobra.Command{
		Use:   "simulator",
		Short: "Answers as WeChat does, for development and tests without WeChat",
		Long: `Answers as WeChat does, for development and tests without WeChat.

It is strict: what WeChat refuses, it refuses. Point an app at it instead of
https://open.weixin.qq.com and https://api.weixin.qq.com; in a Caddyfile, write
"platform http://127.0.0.1:9090" into wechat_auth. Its page /simulator/ shows the
account, the people and all that can be changed while it runs, by hand or by a
test: what it forgives, where it differs from WeChat's documentation, and how it
fails. The flags only say how it starts.

Its pages and its control calls are there under localhost, IP addresses, the name
that --listen has and the --domain. For another name, such as that of its service
in Docker Compose, say --listen 0.0.0.0:9090 --host <name>.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config.Accounts = []simulator.OfficialAccount{account}
			if name, _, err := net.SplitHostPort(listen); err == nil && name != "" && net.ParseIP(name) == nil {
				config.Hosts = append(config.Hosts, name)
			}
			return runSimulator(cmd, listen, config)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:9090",
		"address to listen on; anybody who reaches it can log in as anybody")
	flags.StringSliceVar(&config.Hosts, "host", nil,
		"a further name by which it is asked, such as its service's in Docker Compose; may repeat")
	flags.StringVar(&account.AppID, "app-id", simulator.DemoAppID, "the official account's app id")
	flags.StringVar(&account.Secret, "app-secret", simulator.DemoSecret,
		"the official account's app secret; made up, it is shown to everybody")
	flags.StringVar(&account.Domain, "domain", simulator.DemoDomain,
		"the host that may receive callbacks; localhost: any name and address of this machine")
	flags.StringVar(&account.OpenPlatform, "open-platform", simulator.DemoOpenPlatform,
		"the Open Platform account that it is bound to, for unionids; empty: none")
	flags.BoolVar(&config.AnyBrowser, "any-browser", false, "serve browsers that are not WeChat's, too")
	flags.BoolVar(&config.Choose, "choose", false, "ask who is logging in, where WeChat would be silent")
	flags.BoolVar(&config.DenyRedirects, "deny-redirects", false,
		"send people who decline back without a code, instead of nowhere")
	return cmd
}

func runSimulator(cmd *cobra.Command, listen string, config simulator.Config) error {
	sim, err := simulator.New(config)
	if err != nil {
		return err
	}
	l, err := listening.Listen(listen)
	if err != nil {
		return fmt.Errorf("the simulator cannot listen: %w; end that, or choose another address with --listen", err)
	}
	tellSimulator(cmd.OutOrStdout(), l.Addr().(*net.TCPAddr).AddrPort())

	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		sim.Close()
		server.Close()
	}()
	if err := server.Serve(l); err != http.ErrServerClosed {
		return fmt.Errorf("the simulator stopped: %w", err)
	}
	return nil
}

// tellSimulator says where the simulator is that listens at addr.
func tellSimulator(out io.Writer, addr netip.AddrPort) {
	ip, here := addr.Addr().Unmap(), addr
	if ip.IsUnspecified() {
		here = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
	}
	fmt.Fprintf(out, "WeChat is simulated at http://%s, and explains itself at http://%[1]s/simulator/\n", here)
	if ip.IsUnspecified() {
		for _, private := range listening.Private() {
			fmt.Fprintf(out, "From other machines: http://%s\n", netip.AddrPortFrom(private, addr.Port()))
		}
	}
	if !ip.IsLoopback() {
		fmt.Fprintln(out, "Whoever reaches this machine can log in as anybody, and change the simulator.")
	}
	fmt.Fprintln(out, "Ctrl-C ends it.")
}
