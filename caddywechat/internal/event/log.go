package event

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Log is a sink that writes a line for each event.
type Log struct{ Logger *zap.Logger }

// Emit implements [Sink].
func (l Log) Emit(e Event) {
	line := l.Logger.Check(e.level(), string(e.Subject))
	if line == nil {
		return
	}
	fields := []zap.Field{zap.String("outcome", string(e.Outcome))}
	for _, f := range []struct{ name, value string }{
		{"account", e.Account},
		{"app_id", e.AppID},
		{"user_id", e.UserID},
		{"session", e.Session},
		{"reason", e.Reason},
	} {
		if f.value != "" {
			fields = append(fields, zap.String(f.name, f.value))
		}
	}
	if e.Err != nil {
		fields = append(fields, zap.Error(e.Err))
	}
	if e.Cure != "" {
		fields = append(fields, zap.String("cure", e.Cure))
	}
	if e.Stored != nil {
		fields = append(fields, zap.Bool("stored", *e.Stored))
	}
	if e.Request != nil {
		fields = RequestFields(e.Request, fields...)
	}
	line.Write(fields...)
}

// level is how much a line is worth: what an operator may have to act on stands out.
func (e Event) level() zapcore.Level {
	switch {
	case e.ByClient:
		return zap.InfoLevel
	case e.Outcome == Failed, e.Outcome == UnionIDMissing:
		return zap.ErrorLevel
	case e.Outcome == Loop:
		return zap.WarnLevel
	default:
		return zap.InfoLevel
	}
}

// RequestFields returns the fields that every log line about a request has, behind others.
func RequestFields(r *visitor.Request, fields ...zap.Field) []zap.Field {
	return append(fields,
		zap.String("host", r.Origin.Host),
		zap.String("client_ip", r.Server.ClientIP(r.Request)),
		zap.String("request_id", r.ID()))
}
