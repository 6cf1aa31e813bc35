package caddywechat

import (
	"os"
	"os/signal"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddywechat/caddy-wechat/caddywechat/demo"
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
	var options demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Shows an app behind WeChat login on this machine, with a simulated WeChat",
		Long: `Shows an app behind WeChat login on this machine, with a simulated WeChat and any
browser.

With --listen a phone in the same network can open it: at one address of this
machine, such as 192.168.1.5, or with 0.0.0.0 at all of them. Whoever reaches it
there can log in as anybody.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return demo.Run(ctx, options, cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&options.Port, "port", demo.DefaultPort, "where the app is; another is taken if it is busy")
	cmd.Flags().StringVar(&options.Listen, "listen", "",
		"an address of this machine that a phone can open, 0.0.0.0 for all; perhaps with the app's port")
	return cmd
}
