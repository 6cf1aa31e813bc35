package caddywechat

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddywechat/caddy-wechat/caddywechat/demo"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "wechat",
		Short: "WeChat login: a demo, a simulator of WeChat, and revoking sessions",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(demoCommand(), simulatorCommand(), revokeCommand())
		},
	})
}

func demoCommand() *cobra.Command {
	var port int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Shows an app behind WeChat login on this machine, with a simulated WeChat",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return demo.Run(ctx, port, cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&port, "port", demo.DefaultPort, "where the app is; another is taken if it is busy")
	return cmd
}

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
fails. The flags only say how it starts.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config.Accounts = []simulator.OfficialAccount{account}
			return runSimulator(cmd, listen, config)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:9090", "address to listen on; anybody who reaches it can log in as anybody")
	flags.StringVar(&account.AppID, "app-id", simulator.DemoAppID, "the official account's app id")
	flags.StringVar(&account.Secret, "app-secret", simulator.DemoSecret, "the official account's app secret; made up, it is shown to everybody")
	flags.StringVar(&account.Domain, "domain", simulator.DemoDomain, "the host that may receive callbacks; localhost: any name of this machine")
	flags.StringVar(&account.OpenPlatform, "open-platform", simulator.DemoOpenPlatform, "the Open Platform account that it is bound to, for unionids; empty: none")
	flags.BoolVar(&config.AnyBrowser, "any-browser", false, "serve browsers that are not WeChat's, too")
	flags.BoolVar(&config.Choose, "choose", false, "ask who is logging in, where WeChat would be silent")
	flags.BoolVar(&config.DenyRedirects, "deny-redirects", false, "send people who decline back without a code, instead of nowhere")
	return cmd
}

func runSimulator(cmd *cobra.Command, listen string, config simulator.Config) error {
	sim, err := simulator.New(config)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("the simulator cannot listen: %w; choose another address with --listen", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "WeChat is simulated at http://%s, and explains itself at http://%[1]s/simulator/\nCtrl-C ends it.\n", l.Addr())

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
