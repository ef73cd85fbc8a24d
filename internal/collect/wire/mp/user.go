// What the body says of the user: properties, place, device.
package mp

import (
	"strings"

	"tidemark/internal/collect/wire"
	"tidemark/internal/collect/wire/jsonscan"
	"tidemark/internal/event"
)

// userProperties reads {"name": {"value": v}}, and {"name": v} as well.
func (d *decoder) userProperties() error {
	isObject, err := d.each(func(name string) error {
		if d.Next() != jsonscan.Object {
			return d.userProperty(name)
		}
		_, err := d.each(func(part string) error {
			if part == "value" {
				return d.userProperty(name)
			}
			return d.Skip()
		})
		return err
	})
	if !isObject {
		d.report.Add("user_properties", ValueInvalid, "user_properties must be an object.")
	}
	return err
}

func (d *decoder) userProperty(name string) error {
	v, present, err := wire.ReadScalar(&d.Scanner)
	if err != nil || !present || d.tooManyProperties {
		return err
	}
	err = d.r.SetUserProperty(&d.common, name, v)
	if err == wire.ErrTooManyParams {
		d.tooManyProperties = true
		d.report.Add("user_properties", TooManyEntities,
			"A request may have at most %d user properties.", event.MaxParams)
		return nil
	}
	return err
}

// texts reads an object of scalars.
func (d *decoder) texts(path string, set func(name, text string)) error {
	isObject, err := d.each(func(name string) error {
		v, present, err := wire.ReadScalar(&d.Scanner)
		if err == nil && present {
			set(name, v.Text)
		}
		return err
	})
	if !isObject {
		d.report.Add(path, ValueInvalid, "%s must be an object.", path)
	}
	return err
}

// senderSource is the Source of a place that the sender named.
const senderSource = "sender"

func (d *decoder) location() error {
	geo := event.Geo{Source: senderSource}
	err := d.texts("user_location", func(name, text string) {
		switch name {
		case "country_id":
			geo.Country = strings.ToUpper(text)
		case "region_id":
			geo.Region = text
		case "city":
			geo.City = text
		}
	})
	if geo.Country+geo.Region+geo.City != "" {
		d.r.SourceGeo = &event.Geo{
			Country: geo.Country, Region: geo.Region, City: geo.City, Source: geo.Source,
		}
	}
	return err
}

func (d *decoder) deviceFacts() error {
	device := &event.Device{}
	known := false
	err := d.texts("device", func(name, text string) {
		field := deviceField(device, name)
		switch name {
		case "language":
			field = &d.language
		case "screen_resolution":
			field = &d.screen
		default:
			known = known || field != nil
		}
		if field != nil {
			*field = text
		}
	})
	if known {
		d.device = device
	}
	return err
}

func deviceField(device *event.Device, name string) *string {
	switch name {
	case "category":
		return &device.Category
	case "browser":
		return &device.Browser
	case "browser_version":
		return &device.BrowserVersion
	case "operating_system":
		return &device.OperatingSystem
	case "operating_system_version":
		return &device.OperatingSystemVersion
	case "brand":
		return &device.Brand
	case "model":
		return &device.Model
	}
	return nil
}
