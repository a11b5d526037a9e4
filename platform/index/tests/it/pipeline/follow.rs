//! The index follows the tables.

use index::pipeline::Found;
use index::{Item, Write};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::world::{NOTE, POISON, World, eventually};

#[tokio::test]
async fn random_writes_leave_nothing_to_verify() {
    let mut world = World::new().await;
    let mut dice = SmallRng::seed_from_u64(7);
    let mut ids: Vec<Uuid> = (0..300).map(|_| Uuid::now_v7()).collect();
    for id in &ids {
        sqlx::query("INSERT INTO notes (id, text) VALUES ($1, 'before the start')")
            .bind(id)
            .execute(world.db.pool())
            .await
            .unwrap();
    }
    world.start();
    for step in 0..600 {
        let id = ids[dice.random_range(0..ids.len())];
        let (other, number) = (Uuid::now_v7(), dice.random_range(0..20));
        let sql = match dice.random_range(0..8) {
            0 => {
                ids.push(other);
                format!("INSERT INTO notes (id, text) VALUES ('{other}', 'new at {step}')")
            }
            1 => format!("UPDATE notes SET text = 'changed at {step}' WHERE id = '{id}'"),
            2 => format!("UPDATE notes SET hidden = NOT hidden WHERE id = '{id}'"),
            3 => format!("DELETE FROM notes WHERE id = '{id}'"),
            4 => format!("INSERT INTO note_tags VALUES ('{id}', 'tag{number}') ON CONFLICT DO NOTHING"),
            5 => format!("DELETE FROM note_tags WHERE note = '{id}'"),
            // The key itself changes.
            6 => {
                ids.push(other);
                format!("UPDATE notes SET id = '{other}' WHERE id = '{id}'")
            }
            _ => format!("UPDATE notes SET colour = 'c{number}' WHERE id IN (SELECT id FROM notes LIMIT 20)"),
        };
        let mut tx = world.db.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
        if dice.random_ratio(1, 10) { tx.rollback().await.unwrap() } else { tx.commit().await.unwrap() }
    }
    assert!(world.agrees().await > 100);
    world.stop().await;
}

#[tokio::test]
async fn a_long_text_survives_a_change_of_another_column() {
    let mut world = World::new().await;
    world.start();
    // Too random to be compressed, and too long to stay in its row.
    world
        .run(
            "INSERT INTO notes (id, text)
             SELECT gen_random_uuid(), 'lighthouse ' || string_agg(md5(random()::text), ' ') FROM generate_series(1, 900)",
        )
        .await;
    let id = eventually(|| async { world.found("lighthouse").await.pop() }).await;
    world.run("UPDATE notes SET colour = 'teal'").await;
    assert_eq!(world.agrees().await, 1);
    assert_eq!(world.found("lighthouse").await, std::slice::from_ref(&id));
    assert_eq!(world.found("teal").await, [id]);
    world.stop().await;
}

#[tokio::test]
async fn a_transaction_of_50_000_rows_arrives_whole() {
    let mut world = World::new().await;
    world.start();
    world.built_after(0).await;
    world
        .run("INSERT INTO notes (id, text) SELECT gen_random_uuid(), 'row ' || n FROM generate_series(1, 50000) n")
        .await;
    assert_eq!(world.agrees().await, 50_000);
    world.run("UPDATE notes SET text = 'all of them'; DELETE FROM notes WHERE id < '40000000-0000-0000-0000-000000000000'").await;
    assert!(world.agrees().await < 50_000);
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_indexed_is_a_dead_letter_until_it_can() {
    let mut world = World::new().await;
    world.start();
    world.built_after(0).await;
    let (bad, sound) = (world.note("unread").await, world.note("sound").await);
    world.agrees().await;
    sqlx::query("UPDATE notes SET text = $1 WHERE text = 'unread'")
        .bind(POISON)
        .execute(world.db.pool())
        .await
        .unwrap();
    let long = world.note("long").await;
    sqlx::query("INSERT INTO note_tags SELECT id, repeat('x', 1000) FROM notes WHERE text = 'long'")
        .execute(world.db.pool())
        .await
        .unwrap();
    let letters = eventually(|| async {
        let letters = index::pipeline::dead_letters(&world.db, "plaza_search", None, 10).await.unwrap();
        (letters.len() == 2).then_some(letters)
    })
    .await;
    assert_eq!(letters.iter().map(|letter| &letter.id).collect::<Vec<_>>(), [&bad, &long]);
    assert!(letters[0].reason.contains("poison") && letters[1].reason.contains("tag"), "{letters:?}");
    // What the index held before is not found any more; the others are.
    eventually(|| async { world.found("unread").await.is_empty().then_some(()) }).await;
    assert_eq!(world.found("sound").await, [sound]);

    let replayed = index::pipeline::replay(&world.db, "plaza_search", &world.mappings, None).await.unwrap();
    assert_eq!(replayed, 2, "both are tried, and fail again");
    world.run("DELETE FROM note_tags; UPDATE notes SET text = 'good again' WHERE text = 'poison'").await;
    world.agrees().await;
    eventually(|| async {
        let letters = index::pipeline::dead_letters(&world.db, "plaza_search", None, 10).await.unwrap();
        letters.is_empty().then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn verify_says_what_is_missing_surplus_and_stale() {
    let mut world = World::new().await;
    world.start();
    let [missing, stale] = [world.note("one").await, world.note("two").await];
    world.note("three").await;
    world.built_after(0).await;
    world.agrees().await;

    let generation = world.engine.live(NOTE).await.unwrap().unwrap();
    let version = u64::MAX >> 2;
    let item = |write| Item { kind: NOTE, generation, version, write };
    let mapping = world.mappings.of(NOTE).unwrap();
    let mut at = world.db.pool().acquire().await.unwrap();
    let mut document = mapping.load(&mut at, std::slice::from_ref(&stale)).await.unwrap().remove(0);
    document.text = "of old".to_owned();
    let mut ghost = document.clone();
    ghost.id = Uuid::max().to_string();
    let items = vec![
        item(Write::Delete(missing.clone())),
        item(Write::Put(document.into())),
        item(Write::Put(ghost.clone().into())),
    ];
    world.engine.write(items).await.unwrap();
    let position = world.engine.position().await.unwrap().unwrap();
    world.engine.commit(&position).await.unwrap();

    let version = cdc::Lsn::new(version);
    let mut wanted =
        vec![(missing, Found::Missing), (stale, Found::Stale { version }), (ghost.id, Found::Surplus { version })];
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(world.differs().await, wanted);
    world.stop().await;
}
