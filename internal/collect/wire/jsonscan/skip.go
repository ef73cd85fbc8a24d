// Skip and Raw: values that the caller does not look into.
package jsonscan

// Skip reads the next value, whatever it is. Its recursion ends at the nesting
// limit.
func (s *Scanner) Skip() error {
	switch s.Next() {
	case Object:
		return s.skipObject()
	case Array:
		return s.skipArray()
	case String:
		return s.skipString()
	case Number:
		_, err := s.Number()
		return err
	case True, False, Null:
		return s.Literal()
	}
	return ErrSyntax
}

// Raw reads the next value and returns its text as it was sent.
func (s *Scanner) Raw() (string, error) {
	s.space()
	start := s.pos
	if err := s.Skip(); err != nil {
		return "", err
	}
	return s.text[start:s.pos], nil
}

func (s *Scanner) skipObject() error {
	if err := s.Enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.step(first, '}')
		if !more {
			return err
		}
		if s.Next() != String {
			return ErrSyntax
		}
		if err := s.skipString(); err != nil {
			return err
		}
		s.space()
		if s.pos == len(s.text) || s.text[s.pos] != ':' {
			return ErrSyntax
		}
		s.pos++
		if err := s.Skip(); err != nil {
			return err
		}
	}
}

func (s *Scanner) skipArray() error {
	if err := s.Enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.step(first, ']')
		if !more {
			return err
		}
		if err := s.Skip(); err != nil {
			return err
		}
	}
}
