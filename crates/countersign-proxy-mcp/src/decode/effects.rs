//! Which effects does a call have? Configuration says; the server's annotations can only add; doubt is `unknown`.

use std::collections::BTreeMap;

use countersign_core::{Arguments, Effect, Effects, Scalar, TooManyEffects, Verb};
use globset::GlobMatcher;

use super::ToolFacts;
use super::arguments::Flat;
use crate::codec::Message;
use crate::config::{EffectTemplate, ResourceConfig};

/// Longer objects are cut, and the call has the effect `unknown` as well.
const OBJECT_MAX_CHARS: usize = 300;

/// The rules of one resource, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    tools: Vec<(GlobMatcher, Vec<Template>)>,
    methods: BTreeMap<String, Vec<Template>>,
}

impl Rules {
    pub(crate) fn new(config: &ResourceConfig) -> Self {
        let ready = |templates: &[EffectTemplate]| templates.iter().map(Template::new).collect::<Vec<_>>();
        Self {
            tools: config
                .rules
                .iter()
                .map(|rule| (rule.pattern.compile_matcher(), ready(&rule.effects)))
                .collect(),
            methods: config
                .methods
                .iter()
                .map(|(method, templates)| (method.clone(), ready(templates)))
                .collect(),
        }
    }

    pub(crate) fn overrides(&self, method: &str) -> bool {
        self.methods.contains_key(method)
    }

    fn of_tool<'a>(&'a self, tool: &'a str) -> impl Iterator<Item = &'a Template> {
        self.tools.iter().filter(move |(glob, _)| glob.is_match(tool)).flat_map(|(_, templates)| templates)
    }
}

/// One effect with the places that arguments fill.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    verb: Verb,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Argument(String),
}

impl Template {
    fn new(template: &EffectTemplate) -> Self {
        let mut parts = Vec::new();
        let mut rest = template.object.as_str();
        while let Some((text, (argument, after))) =
            rest.split_once('{').and_then(|(text, tail)| Some((text, tail.split_once('}')?)))
        {
            parts.push(Part::Text(text.to_owned()));
            parts.push(Part::Argument(argument.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Self { verb: template.verb, parts }
    }

    fn is_fixed(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The effect, and whether something about it stayed unknown.
    fn fill(&self, arguments: &Arguments) -> (Effect, bool) {
        let mut object = String::new();
        let mut doubt = false;
        for part in &self.parts {
            match part {
                Part::Text(text) => object.push_str(text),
                Part::Argument(path) => match arguments.get(path) {
                    Some(Scalar::Text(text)) => object.push_str(text),
                    Some(Scalar::Integer(number)) => object.push_str(&number.to_string()),
                    Some(Scalar::Bool(flag)) => object.push_str(if *flag { "true" } else { "false" }),
                    None => {
                        object.push('?');
                        doubt = true;
                    }
                },
            }
        }
        if object.chars().count() > OBJECT_MAX_CHARS {
            object = object.chars().take(OBJECT_MAX_CHARS).collect();
            doubt = true;
        }
        (Effect::new(self.verb, object), doubt)
    }
}

/// Every effect of the message.
pub(super) fn of(
    rules: &Rules,
    message: &Message,
    tool: Option<&ToolFacts>,
    flat: &Flat,
) -> Result<Effects, TooManyEffects> {
    let method = message.method();
    let name = message.name().unwrap_or_default();
    let mut effects = Vec::new();
    let mut doubt = flat.cut;
    let mut fill = |template: &Template| {
        let (effect, unsure) = template.fill(&flat.arguments);
        doubt |= unsure;
        effects.push(effect);
    };
    if let Some(templates) = rules.methods.get(method) {
        templates.iter().for_each(fill);
    } else if method == "tools/call" {
        rules.of_tool(&name).for_each(&mut fill);
    } else {
        effects = built_in(message);
    }
    let object = if name.is_empty() { format!("mcp:{method}") } else { name.clone().into_owned() };
    if let Some(tool) = tool {
        doubt |= tool.definition.is_none();
        let said: Vec<Verb> = effects.iter().map(|effect| effect.verb).collect();
        effects.extend(raised(&tool.raised, &said).map(|verb| Effect::new(verb, &*name)));
    }
    if doubt || effects.is_empty() {
        effects.push(Effect::new(Verb::Unknown, &*object));
    }
    Effects::new(effects, &object)
}

/// What methods other than `tools/call` do unless the configuration says otherwise.
fn built_in(message: &Message) -> Vec<Effect> {
    let name = message.name().unwrap_or_default();
    match message.method() {
        "resources/read" | "resources/subscribe" => vec![Effect::new(Verb::Read, format!("resource:{name}"))],
        "subscriptions/listen" => watched(message),
        "prompts/get" => vec![Effect::new(Verb::Read, format!("prompt:{name}"))],
        "completion/complete" => vec![Effect::new(Verb::Read, "mcp:completion")],
        "sampling/createMessage" => vec![Effect::new(Verb::Execute, "mcp:sampling")],
        "elicitation/create" => vec![Effect::new(Verb::Export, "mcp:elicitation")],
        // The answer can widen what a server lets its tools reach.
        "roots/list" => vec![Effect::new(Verb::Privilege, "mcp:roots")],
        method => vec![Effect::new(Verb::Unknown, format!("mcp:{method}"))],
    }
}

/// The resources that a `subscriptions/listen` asks to watch.
pub(super) fn watched(message: &Message) -> Vec<Effect> {
    let watched = message.param("notifications").and_then(|filter| filter.get("resourceSubscriptions"));
    watched
        .map(|list| {
            list.children()
                .map(|uri| Effect::new(Verb::Read, format!("resource:{}", uri.string().unwrap_or_default())))
                .collect()
        })
        .unwrap_or_default()
}

/// What the annotations add to what the configuration said. A tool that is configured as one that changes things
/// is not more than that because its server says so too; one that is configured as harmless is.
fn raised<'a>(hints: &'a [Verb], said: &'a [Verb]) -> impl Iterator<Item = Verb> + 'a {
    hints.iter().copied().filter(|hint| !said.iter().any(|verb| covers(*verb, *hint)))
}

const fn covers(said: Verb, hint: Verb) -> bool {
    match said {
        Verb::Write | Verb::Delete | Verb::Schema | Verb::Privilege | Verb::Execute | Verb::Deploy => {
            matches!(hint, Verb::Write | Verb::Delete)
        }
        Verb::Network | Verb::Export => matches!(hint, Verb::Network),
        Verb::Read | Verb::Secret | Verb::Unknown => false,
    }
}

/// The effects of a tool that no argument can change.
pub(super) fn fixed(rules: &Rules, tool: &str, facts: &ToolFacts) -> Vec<Effect> {
    let mut all = rules.of_tool(tool).peekable();
    if all.peek().is_none() {
        return vec![Effect::new(Verb::Unknown, tool)];
    }
    let no_arguments = Arguments::new();
    let said: Vec<Verb> = rules.of_tool(tool).map(|template| template.verb).collect();
    all.filter(|template| template.is_fixed())
        .map(|template| template.fill(&no_arguments).0)
        .chain(raised(&facts.raised, &said).map(|verb| Effect::new(verb, tool)))
        .collect()
}
