// Welcome: the link with which the first person comes in.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"tidemark/internal/property"
)

// welcome prints where the server is, and as long as there is no member the
// one-time link that makes the first.
func (s *server) welcome(ctx context.Context) error {
	link, err := s.setupLink(ctx)
	if err != nil {
		return err
	}
	if s.JSON {
		return json.NewEncoder(s.Out).Encode(struct {
			URL   string `json:"url"`
			Setup string `json:"setup,omitempty"`
		}{s.url(), link})
	}
	fmt.Fprintf(s.Out, "Tidemark is at %s\n", s.url())
	if link != "" {
		fmt.Fprintf(s.Out, "Open this link once to make the first member:\n  %s\n", link)
	}
	return nil
}

// setupLink returns "" once there is a member.
func (s *server) setupLink(ctx context.Context) (string, error) {
	token, err := s.registry.CreateSetupToken(ctx)
	if errors.Is(err, property.ErrExists) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("make the link for the first member: %w", err)
	}
	return s.url() + "/setup?token=" + url.QueryEscape(token), nil
}
