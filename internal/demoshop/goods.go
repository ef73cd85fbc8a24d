// What the shop has: categories, products, size guides and journal posts.
package demoshop

import "html/template"

// A Category is a shelf of products with a page of its own.
type Category struct {
	Slug, Name, Line string
	Products         []Product
}

// A Product is one thing for sale. Price is in cents of the shop's currency.
type Product struct {
	Slug, Name, Line, Text string
	Price                  int
	Category, Shelf        string
	Art                    template.HTML
}

// A Guide is one chapter of the care guide, which the browser turns without loading a page.
type Guide struct {
	Slug, Name, Text string
}

// A Post is an article of the journal.
type Post struct {
	Slug, Title, Line string
	Paragraphs        []string
}

const currency = "EUR"

func goods() []Category {
	return []Category{
		shelf("wear", "Wear", "Layers for a wet quay.",
			Product{Slug: "oilskin-jacket", Name: "Oilskin jacket", Price: 18900, Line: "Waxed cotton, storm collar",
				Text: "Cut long enough to sit on a wet thwart. The wax can be renewed at home, and every seam can be opened and mended."},
			Product{Slug: "watch-cap", Name: "Watch cap", Price: 2900, Line: "Four-ply lambswool",
				Text: "A close cap that stays on in a squall and fits under a hood. Knitted in the round, without a seam to rub."},
			Product{Slug: "harbour-jersey", Name: "Harbour jersey", Price: 9800, Line: "Striped, boat neck",
				Text: "Heavy cotton that softens with each wash. The stripes are knitted and not printed, so they will not leave you."},
			Product{Slug: "deck-boots", Name: "Deck boots", Price: 8400, Line: "Natural rubber, razor-cut sole",
				Text: "A sole that holds on wet planks, and a shaft that turns down when the sun is out."},
		),
		shelf("galley", "Galley", "For the smallest kitchen afloat.",
			Product{Slug: "enamel-mug", Name: "Enamel mug", Price: 1400, Line: "Steel, 35 cl",
				Text: "It bounces. The rim is left bare so that a chip there never spreads."},
			Product{Slug: "fish-kettle", Name: "Fish kettle", Price: 6600, Line: "For one bass or two mackerel",
				Text: "A long pot with a lift-out tray. It also makes soup for eight, slowly."},
			Product{Slug: "bread-board", Name: "Bread board", Price: 3800, Line: "Ash, with a lip",
				Text: "One piece of ash with a lip that catches the crumbs and the edge of the counter."},
			Product{Slug: "tide-tea", Name: "Tide tea", Price: 900, Line: "Smoked black tea, 100 g",
				Text: "Strong enough for the first watch. Six minutes if you mean it."},
		),
		shelf("shore", "Shore", "Useful things, above the tide line.",
			Product{Slug: "storm-lantern", Name: "Storm lantern", Price: 5400, Line: "Brass burner, 20 hours",
				Text: "Burns for twenty hours on one filling and does not mind the wind. Spare wicks are in the base."},
			Product{Slug: "rope-basket", Name: "Rope basket", Price: 4600, Line: "Coiled from old line",
				Text: "Made of retired mooring line, so no two are alike. Holds wood, nets or a small dog."},
			Product{Slug: "brass-compass", Name: "Brass compass", Price: 7200, Line: "Dry card, 60 mm",
				Text: "A card you can read at arm's length, in a case that closes with a click."},
			Product{Slug: "tide-tables", Name: "Tide tables", Price: 1200, Line: "Pocket book, one year",
				Text: "High and low water for forty harbours, set in type that can be read by lantern."},
		),
	}
}

func shelf(slug, name, line string, products ...Product) Category {
	for i := range products {
		products[i].Category, products[i].Shelf = slug, name
		products[i].Art = art(products[i].Slug)
	}
	return Category{Slug: slug, Name: name, Line: line, Products: products}
}

func guides() []Guide {
	return []Guide{
		{"sizes", "Sizes", "Measure over a jersey. Between two sizes, take the larger for jackets and the smaller for caps: wool gives, waxed cotton does not."},
		{"wax", "Waxing", "Warm the tin in water, the jacket in the sun. Rub the wax into the seams first, then hang the jacket for a day where nobody will lean on it."},
		{"wool", "Wool", "Air it before you wash it. If you must, wash it cold, press it in a towel and dry it flat. It forgives everything but the dryer."},
		{"brass", "Brass", "Vinegar, salt and flour make a paste that cleans brass in ten minutes. Or leave it: the green is only time."},
	}
}

func posts() []Post {
	return []Post{
		{"reading-the-tide", "Reading the tide", "Why low water is never when you expect it.", []string{
			"The tide comes twice a day, but the day it keeps is the moon's: about fifty minutes longer than ours. That is why low water wanders through the week and why a table beats a good memory.",
			"Springs and neaps decide how far it goes. After the full and the new moon the sea runs high and falls far; at the quarters it hardly bothers. Plan the mud for springs and the swim for neaps.",
			"The twelfths are worth learning. In six hours the water moves one, two, three, three, two and one twelfths of its range. The middle two hours move half of everything, and most stranded boats.",
		}},
		{"mending-a-jersey", "Mending a jersey", "A darn that you will be proud of.", []string{
			"Work on the wrong side, in good light, with a yarn a little thinner than the one that failed. Start well outside the hole, where the wool is still sound.",
			"Run the warp first, one thread for each rib, and leave a small loop at each turn: wool shrinks, and the loop is what it shrinks into. Then weave across, under and over, and do not pull.",
		}},
	}
}
