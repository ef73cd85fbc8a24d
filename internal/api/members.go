// Members: first setup, login, logout, and what a member may do.
package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

const loginCookie = "tidemark_login"

// meJSON is what a member sees of themselves.
type meJSON struct {
	Email      string         `json:"email"`
	Properties []propertyJSON `json:"properties"`
}

type propertyJSON struct {
	Property       string   `json:"property"`
	Name           string   `json:"name"`
	TimeZone       string   `json:"timeZone"`
	Currency       string   `json:"currency"`
	MeasurementIDs []string `json:"measurementIds"`
}

func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	member, ids, err := a.member(r)
	if err != nil {
		return err
	}
	return a.writeMe(r.Context(), w, member, ids)
}

// member returns the member who asks; a read key is none.
func (a *API) member(r *http.Request) (property.Member, []event.PropertyID, error) {
	who, err := a.identify(r)
	if err != nil {
		return property.Member{}, nil, err
	}
	if who.Member == nil {
		return property.Member{}, nil, denied("this needs a login, not a read key")
	}
	return *who.Member, who.Properties, nil
}

func (a *API) writeMe(ctx context.Context, w http.ResponseWriter, member property.Member, ids []event.PropertyID) error {
	out := meJSON{Email: member.Email, Properties: []propertyJSON{}}
	for _, id := range ids {
		p, err := a.deps.Registry.Property(ctx, id)
		if errors.Is(err, property.ErrNotFound) {
			continue // removed since the list was read
		}
		if err != nil {
			return fmt.Errorf("look up property %s: %w", id, err)
		}
		shown := propertyJSON{Property: p.ID.String(), Name: p.Name, TimeZone: p.TimeZone, Currency: p.Currency,
			MeasurementIDs: []string{}}
		for _, s := range p.Streams {
			shown.MeasurementIDs = append(shown.MeasurementIDs, s.MeasurementID)
		}
		out.Properties = append(out.Properties, shown)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (a *API) login(w http.ResponseWriter, r *http.Request) error {
	n, err := readChange(r)
	if err != nil {
		return err
	}
	f := n.fields()
	email, password := f.get("email").text(), f.get("password").text()
	f.done()
	if n.r.err != nil {
		return n.r.err
	}
	if err := a.mayTry(r, email); err != nil {
		return err
	}
	release, err := a.attempts.slot(r.Context())
	if err != nil {
		return err
	}
	defer release()
	member, err := a.deps.Registry.Login(r.Context(), email, password)
	if errors.Is(err, property.ErrBadLogin) {
		// The same answer for an unknown address and a wrong password.
		return unauthenticated(property.ErrBadLogin.Error())
	}
	if err != nil {
		return fmt.Errorf("check login: %w", err)
	}
	return a.startLogin(w, r, member)
}

// mayTry bounds guessing, by sender and by address guessed at.
func (a *API) mayTry(r *http.Request, email string) error {
	wait, ok := a.attempts.allow(a.deps.Now(), a.deps.ClientAddr(r), email)
	if ok {
		return nil
	}
	a.telemetry.throttled.Inc()
	return tooMany("too many attempts: wait a little", wait)
}

func (a *API) startLogin(w http.ResponseWriter, r *http.Request, member property.Member) error {
	token, err := a.deps.Registry.StartLogin(r.Context(), member.ID, a.cfg.LoginLifetime)
	if err != nil {
		return fmt.Errorf("start login: %w", err)
	}
	ids, err := a.deps.Registry.MemberProperties(r.Context(), member.ID)
	if err != nil {
		return fmt.Errorf("list properties of member: %w", err)
	}
	http.SetCookie(w, a.cookie(r, token, int(a.cfg.LoginLifetime.Seconds())))
	return a.writeMe(r.Context(), w, member, ids)
}

func (a *API) cookie(r *http.Request, token string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: loginCookie, Value: token, Path: "/", MaxAge: maxAge, HttpOnly: true,
		Secure: a.cfg.SecureCookies || r.TLS != nil, SameSite: http.SameSiteLaxMode}
}

func (a *API) logout(w http.ResponseWriter, r *http.Request) error {
	if _, err := readChange(r); err != nil {
		return err
	}
	if c, err := r.Cookie(loginCookie); err == nil && c.Value != "" {
		if err := a.deps.Registry.EndLogin(r.Context(), c.Value); err != nil && !errors.Is(err, property.ErrNotFound) {
			return fmt.Errorf("end login: %w", err)
		}
	}
	http.SetCookie(w, a.cookie(r, "", -1))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) setup(w http.ResponseWriter, r *http.Request) error {
	n, err := readChange(r)
	if err != nil {
		return err
	}
	f := n.fields()
	token, email, password := f.get("token").text(), f.get("email").text(), f.get("password").text()
	f.done()
	if n.r.err != nil {
		return n.r.err
	}
	if err := a.mayTry(r, ""); err != nil {
		return err
	}
	release, err := a.attempts.slot(r.Context())
	if err != nil {
		return err
	}
	defer release()
	member, err := a.deps.Registry.Setup(r.Context(), token, email, password)
	if errors.Is(err, property.ErrTokenInvalid) {
		return denied(property.ErrTokenInvalid.Error())
	}
	if err != nil {
		return err
	}
	return a.startLogin(w, r, member)
}

func (a *API) createProperty(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := a.member(r); err != nil {
		return err
	}
	n, err := readChange(r)
	if err != nil {
		return err
	}
	f := n.fields()
	wanted := property.NewProperty{Name: f.get("name").text(), TimeZone: f.get("timeZone").text(),
		Currency: f.get("currency").text(), KeyEvents: f.get("keyEvents").texts(),
		RowDays: int(f.get("rowDays").whole(0, property.MaxRowDays))}
	f.done()
	if n.r.err != nil {
		return n.r.err
	}
	_, credentials, err := a.deps.Registry.CreateProperty(r.Context(), wanted)
	if err != nil {
		return err
	}
	a.log.Info("property created", "property", credentials.Property)
	writeJSON(w, http.StatusOK, credentials)
	return nil
}

// readChange reads the body of a request that changes something (A5). Pages
// of other sites cannot send JSON without asking first, and say where they are
// from.
func readChange(r *http.Request) (node, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return node{}, &httpError{code: http.StatusUnsupportedMediaType, status: "INVALID_ARGUMENT",
			message: "the request needs Content-Type: application/json"}
	}
	if !sameOrigin(r) {
		return node{}, denied("the request comes from another site")
	}
	return readBody(r)
}

// sameOrigin tells whether a page of this server sent the request, or no page.
// Schemes are not compared: behind a proxy that ends TLS they differ.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == r.Host
}
